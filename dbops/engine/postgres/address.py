"""Where a URL says that the server listens, and the same URL by a route. No error of this module shows a password."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from dbops.errors import ConfigError
from dbops.language import msg
from dbops.route.base import LOOPBACK, Far, Near

_PORT = "5432"
_FOLDERS = ("/var/run/postgresql", "/run/postgresql", "/tmp")  # noqa: S108 - where packages and sources put it
_LOCAL = ("", "localhost", LOOPBACK, "::1")


def far(url: str) -> Far:
    """`url` has no password. `ConfigError` where it does not say one place itself."""
    parameters = _parameters(url)
    host = parameters.get("hostaddr") or parameters.get("host") or ""
    port = parameters.get("port") or os.environ.get("PGPORT") or _PORT
    if "service" in parameters or "," in host or "," in port:
        raise ConfigError(
            msg("ssh, run_as and container need one host and port in the URL itself"),
            hint=msg("write them there, and no service or second host"),
            kind="bad-url",
        )
    name = f".s.PGSQL.{port}"
    socket = f"{host}/{name}" if host.startswith(("/", "@")) else ""
    mode = parameters.get("sslmode") or os.environ.get("PGSSLMODE") or "prefer"
    if parameters.get("sslrootcert") == "system":
        mode = "verify-full"
    return Far(
        host="" if socket else host,
        port=int(port),
        socket=socket,
        usual=tuple(f"{folder}/{name}" for folder in _FOLDERS),
        socket_name=name,
        # Within the far machine nobody needs TLS, unless it is asked for.
        over_socket=mode == "disable" or (mode in ("allow", "prefer") and (bool(socket) or host in _LOCAL)),
    )


def through(url: str, near: Near, user: str = "") -> str:
    """The URL by a route's address. TLS still verifies the name that the URL has. `user`: where the URL names none."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    query = [(key, value) for key, value in parse_qsl(parts.query) if key not in ("host", "hostaddr", "port")]
    if user and not login and not any(key == "user" for key, _ in query):
        query.append(("user", user))
    if near.socket is not None:
        query += [("host", str(near.socket.parent)), ("port", near.socket.name.rpartition(".")[2])]
    else:
        name = _parameters(url).get("host") or "localhost"
        query += [("host", name), ("hostaddr", near.host), ("port", str(near.port))]
    at = f"{login}@" if login else ""
    return f"postgresql://{at}{parts.path or '/'}?{urlencode(query, quote_via=quote, safe='/:,')}"


def kept_password(url: str) -> str | None:
    """What the password file of libpq has for this URL. libpq itself would look for the address of the route."""
    from psycopg.pq import Conninfo

    known = {one.keyword.decode(): one.val.decode() for one in Conninfo.get_defaults() if one.val}
    given = {**known, **_parameters(url)}
    try:
        file = Path(given.get("passfile") or "~/.pgpass").expanduser()
        if file.stat().st_mode & 0o077:  # libpq passes over it, too
            return None
        return _of_file(file.read_text(encoding="utf-8").splitlines(), given)
    except (OSError, RuntimeError, UnicodeDecodeError):  # no file, no home, no text
        return None


def _of_file(lines: Iterable[str], given: dict[str, str]) -> str | None:
    """The first line that fits (manual, 'The Password File')."""
    host = given.get("host") or "localhost"
    user = given.get("user", "")
    wanted = (host, given.get("port") or _PORT, given.get("dbname") or user, user)
    for line in lines:
        fields = _fields(line.rstrip("\r\n"))
        if line.startswith("#") or len(fields) < 5:
            continue
        if all(field in ("*", value) for field, value in zip(fields[:4], wanted, strict=True)):
            return fields[4]
    return None


def _fields(line: str) -> list[str]:
    """Separated by colons; a backslash takes the next character as it is."""
    fields, characters = [""], iter(line)
    for character in characters:
        if character == ":":
            fields.append("")
        else:
            fields[-1] += next(characters, "") if character == "\\" else character
    return fields


def _parameters(url: str) -> dict[str, str]:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        return {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except ProgrammingError:
        raise ConfigError(
            msg("the database URL cannot be read"), hint=msg("see targets.NAME.url in README.md")
        ) from None
