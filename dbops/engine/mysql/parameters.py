"""What a `mysql://` or `mariadb://` URL says of a connection, and a client's own option file where it says nothing."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from dbops.config.urls import split_password
from dbops.engine.mysql.tls import MODES
from dbops.errors import ConfigError
from dbops.language import msg

SERVER_NAME = "ssl-server-name"
_KNOWN = (
    *("unix_socket", "socket", "ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", SERVER_NAME),
    *("charset", "read_default_file"),
)


class Parameters(NamedTuple):
    """How to connect, without the password."""

    user: str
    host: str
    port: int
    database: str
    socket: str
    ssl_mode: str
    ssl_ca: str
    ssl_cert: str
    ssl_key: str
    server_name: str
    """Whom the server's certificate must name, where that is not the host: at the end of a tunnel."""


def read(url: str, password: str | None) -> tuple[Parameters, str | None]:
    """The parameters and the password: that one, or the URL's, or the option file's. `ConfigError` for a URL that
    cannot be used."""
    plain, from_url = split_password(url)
    parts = urlsplit(plain)
    query = {
        key.replace("ssl_server_name", SERVER_NAME).replace("ssl_", "ssl-"): value
        for key, value in parse_qsl(parts.query)
    }
    for name in query:
        if name not in _KNOWN:
            raise ConfigError(
                msg("the database URL has a parameter '{name}', which is not known", name=name),
                hint=msg("known are {known}", known=", ".join(_KNOWN)),
                kind="bad-url",
            )
    mode = query.get("ssl-mode", "").upper() or ("VERIFY_CA" if query.get("ssl-ca") else "PREFERRED")
    if mode not in MODES:
        raise ConfigError(
            msg("ssl-mode={mode}", mode=mode), hint=msg("one of {modes}", modes=", ".join(MODES)), kind="bad-url"
        )
    own = _client_group(query.get("read_default_file"))
    user, _, _ = parts.netloc.rpartition("@")
    host = parts.hostname or ""
    socket = query.get("unix_socket") or query.get("socket") or ("" if host else own.get("socket", ""))
    parameters = Parameters(
        user=unquote(user) or own.get("user", "") or _login_name(),
        host=unquote(host) or ("" if socket else own.get("host", "") or "localhost"),
        port=parts.port or int(own.get("port", "") or 3306),
        database=unquote(parts.path.lstrip("/")),
        socket=socket,
        ssl_mode=mode,
        ssl_ca=query.get("ssl-ca", ""),
        ssl_cert=query.get("ssl-cert", ""),
        ssl_key=query.get("ssl-key", ""),
        server_name=query.get(SERVER_NAME, ""),
    )
    given = password if password is not None else from_url
    return parameters, given if given is not None else own.get("password")


def _client_group(path: str | None) -> dict[str, str]:
    """The group `[client]` of a client's option file; empty if there is none."""
    file = Path(path).expanduser() if path else Path("~/.my.cnf").expanduser()
    parser = configparser.ConfigParser(
        interpolation=None, allow_no_value=True, strict=False, comment_prefixes=("#", ";"), inline_comment_prefixes=None
    )
    try:
        text = file.read_text(encoding="utf-8")
        parser.read_string("\n".join(line for line in text.splitlines() if not line.lstrip().startswith("!")))
    except FileNotFoundError as error:
        if path:
            raise ConfigError(
                msg("{path}: {reason}", path=path, reason=error.strerror), hint=msg("see read_default_file in the URL")
            ) from None
        return {}
    except (OSError, ValueError, configparser.Error):
        return {}
    if not parser.has_section("client"):
        return {}
    return {key: (value or "").strip("'\"") for key, value in parser.items("client")}


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
