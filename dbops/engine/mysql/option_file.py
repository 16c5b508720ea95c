"""The private option file that tells a client program how to get to the server."""

from __future__ import annotations

from dbops.engine.mysql.flavour import Flavour
from dbops.engine.mysql.parameters import Parameters


def text(p: Parameters, password: str | None, flavour: Flavour) -> str:
    """The whole file."""
    found = {"user": p.user, "password": password or "", "host": p.host, "port": str(p.port)}
    if p.socket:
        found |= {"socket": p.socket, "protocol": "socket", "host": ""}
    elif p.host == "localhost":
        found["protocol"] = "tcp"  # as the driver: the programs would take a socket of this name
    found |= {"ssl-ca": p.ssl_ca, "ssl-cert": p.ssl_cert, "ssl-key": p.ssl_key}
    lines = [f"{name}={_quoted(value)}" for name, value in found.items() if value]
    return "\n".join(["[client]", *lines, *_tls_options(flavour, p), ""])


def _tls_options(flavour: Flavour, p: Parameters) -> list[str]:
    if p.socket:
        return []
    if flavour.name == "mysql":
        # These programs know the address alone. The driver, on the same way, holds the certificate against the name.
        mode = "VERIFY_CA" if p.server_name and p.ssl_mode == "VERIFY_IDENTITY" else p.ssl_mode
        return [f"ssl-mode={mode}"]
    if p.ssl_mode == "DISABLED":
        return ["skip-ssl"]
    verify = p.ssl_mode in ("VERIFY_CA", "VERIFY_IDENTITY")
    encrypt = ["ssl"] if p.ssl_mode != "PREFERRED" else []
    return [*encrypt, "ssl-verify-server-cert" if verify else "disable-ssl-verify-server-cert"]


def _quoted(value: str) -> str:
    """For an option file (manual, 'Using Option Files'): quotes keep spaces and #, the backslash escapes."""
    text = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    text = text.replace('"', '\\"')  # else it would end the quotes, and a # behind it begin a comment
    return f'"{text}"'
