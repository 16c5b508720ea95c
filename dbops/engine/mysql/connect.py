"""How to reach a MySQL or MariaDB server: for the driver, and for the client programs through a private option file."""

from __future__ import annotations

import configparser
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from dbops.command import redact
from dbops.config.urls import Secret, split_password
from dbops.engine.mysql.flavour import Flavour, flavour_of
from dbops.errors import ConfigError, DatabaseError, LockedError

if TYPE_CHECKING:
    from pymysql.connections import Connection as Driver
    from pymysql.cursors import Cursor

    Connection = Driver[Cursor]

_PARAMETERS = ("unix_socket", "socket", "ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "charset", "read_default_file")
_SSL_MODES = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
_SECONDS = 15
_WAIT_SECONDS = 7 * 24 * 3600
_PACKET = 1 << 30
# How values print must not hang on a setting of the server or the user: one digest, one text. sql_mode is emptied so
# that dates that are none (0000-00-00) can be read, and quotes mean what the manual says by default.
SESSION = (
    "sql_mode = ''",
    "time_zone = '+00:00'",
    f"wait_timeout = {_WAIT_SECONDS}",
    f"net_read_timeout = {_WAIT_SECONDS}",
    f"net_write_timeout = {_WAIT_SECONDS}",
    "group_concat_max_len = 1048576",
    "div_precision_increment = 4",
)
_KEPT_ENVIRONMENT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "LIBMYSQL_PLUGIN_DIR")
_LOST = (0, 1053, 1927, 2006, 2013, 2055, 4031)
_HINTS = {
    1021: "free space on the database server's disk",
    1040: "too many connections: lower jobs, or raise max_connections",
    1044: "grant the user the right to this database",
    1045: "set password_file, password_env or password_command in dbops.toml, or write it into ~/.my.cnf",
    1049: "check the database's name in the URL",
    1114: "free space on the database server's disk, or raise the limit of its tablespace",
    1142: "grant the user the missing right",
    1153: "raise max_allowed_packet on the server",
    1203: "too many connections of this user: lower jobs, or raise max_user_connections",
    1205: "somebody holds a lock on it: try again, or look at SHOW PROCESSLIST",
    1227: "grant the user the missing right",
    1290: "the server does not allow it as it is set (read_only?)",
    1412: "a table was altered while it was read: run it when no schema change is under way",
    2002: "check the socket's path in the URL; is the server running?",
    2003: "check host and port in the URL; is the server running?",
    3024: "the server ended the query (max_execution_time)",
}
"""What to do, by error number (https://dev.mysql.com/doc/mysql-errors/9.0/en/server-error-reference.html)."""


class Parameters(NamedTuple):
    """What a URL says of a connection, without the password."""

    user: str
    host: str
    port: int
    database: str
    socket: str
    ssl_mode: str
    ssl_ca: str
    ssl_cert: str
    ssl_key: str


class Access:
    """Connection settings of one target: a `mysql://` or `mariadb://` URL, and its password apart from it.

    What neither of them says (user, password, host, port, socket) is taken from the `[client]` group of the option
    file that `read_default_file` in the URL names, or else of `~/.my.cnf`, as the programs themselves do.
    Raises `ConfigError` when the URL cannot be used. Never shows the password in `repr`.
    """

    def __init__(self, url: str, *, password: str | None = None) -> None:
        plain, from_url = split_password(url)
        parts = urlsplit(plain)
        query = {key.replace("ssl_", "ssl-"): value for key, value in parse_qsl(parts.query)}
        for name in query:
            if name not in _PARAMETERS:
                raise ConfigError(
                    f"the database URL has a parameter '{name}', which is not known",
                    hint=f"known are {', '.join(_PARAMETERS)}",
                    kind="bad-url",
                )
        mode = query.get("ssl-mode", "").upper() or ("VERIFY_CA" if query.get("ssl-ca") else "PREFERRED")
        if mode not in _SSL_MODES:
            raise ConfigError(f"ssl-mode={mode}", hint=f"one of {', '.join(_SSL_MODES)}", kind="bad-url")
        own = _client_options(query.get("read_default_file"))
        user, _, _ = parts.netloc.rpartition("@")
        host = parts.hostname or ""
        socket = query.get("unix_socket") or query.get("socket") or ("" if host else own.get("socket", ""))
        self.parameters = Parameters(
            user=unquote(user) or own.get("user", "") or _login_name(),
            host=unquote(host) or ("" if socket else own.get("host", "") or "localhost"),
            port=parts.port or int(own.get("port", "") or 3306),
            database=unquote(parts.path.lstrip("/")),
            socket=socket,
            ssl_mode=mode,
            ssl_ca=query.get("ssl-ca", ""),
            ssl_cert=query.get("ssl-cert", ""),
            ssl_key=query.get("ssl-key", ""),
        )
        given = password if password is not None else from_url
        self.password = given if given is not None else own.get("password")

    def __repr__(self) -> str:
        return f"Access({self.place()!r})"

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.password,) if self.password else ()

    @property
    def database(self) -> str:
        return self.parameters.database

    def place(self) -> str:
        """Database and server for people, without a secret."""
        return f"{self.database or 'no database'} on {self.host()}"

    def host(self) -> str:
        """The server for people: host and port, or its socket."""
        p = self.parameters
        return p.socket or f"{p.host}:{p.port}"

    # --- the driver ---------------------------------------------------------------------------------------------------

    @contextmanager
    def session(self, database: str | None = None) -> Iterator[Connection]:
        """A driver connection in autocommit mode, closed at the end; see `connect`.

        Raises `DatabaseError` for every error of a statement inside the block, with the server's text and number.
        """
        with self.translated():
            connection = self.connect(database)
            try:
                yield connection
            finally:
                with suppress(Exception):
                    connection.close()

    def connect(self, database: str | None = None) -> Connection:
        """A driver connection in autocommit mode with the settings of `SESSION`, for a caller that closes it.

        `database`: None for the target's own, '' for none. Raises `DatabaseError` if there is none to be had.
        """
        import pymysql

        name = self.database if database is None else database
        p = self.parameters
        try:
            connection: Connection = pymysql.connect(
                user=p.user,
                password=(self.password or "").encode(),  # as text the driver would send it as latin-1
                host=p.host or "localhost",
                port=p.port,
                unix_socket=p.socket or None,
                database=name or None,
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=_SECONDS,
                max_allowed_packet=_PACKET,
                program_name="dbops",
                **self._tls(),
            )
        except pymysql.MySQLError as error:
            raise self._unreachable(error) from None
        except (OSError, ValueError, RuntimeError) as error:
            said = redact(str(error), self.secrets)
            raise DatabaseError(f"cannot connect to {self.place()}: {said}", kind="unreachable") from None
        with self.translated(), connection.cursor() as cursor:
            cursor.execute(f"SET SESSION {', '.join([*SESSION, *_of_flavour(flavour(connection))])}")
        return connection

    def _tls(self) -> dict[str, Any]:
        p = self.parameters
        if p.ssl_mode == "DISABLED" or p.socket:
            return {"ssl_disabled": True}
        if p.ssl_mode == "PREFERRED":
            return {}
        return {
            "ssl_ca": p.ssl_ca or None,
            "ssl_cert": p.ssl_cert or None,
            "ssl_key": p.ssl_key or None,
            "ssl_verify_cert": p.ssl_mode in ("VERIFY_CA", "VERIFY_IDENTITY"),
            "ssl_verify_identity": p.ssl_mode == "VERIFY_IDENTITY",
        }

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turns the driver's errors inside the block into `DatabaseError` or `LockedError`."""
        import pymysql

        try:
            yield
        except pymysql.MySQLError as error:
            raise self.database_error(error) from None

    def database_error(self, error: Exception) -> DatabaseError | LockedError:
        """The server's error as ours: its number, its text, and a hint where one is known."""
        number, text = error_of(error)
        said = redact(text, self.secrets)
        if number == 1205:
            return LockedError(f"{self.place()}: {said}", hint=_HINTS[1205], kind="lock-timeout")
        kind = "connection-lost" if lost(error) else f"mysql-{number}"
        hint = "look into the server's log" if kind == "connection-lost" else _HINTS.get(number, "")
        return DatabaseError(f"{self.place()}: {said} ({number})", hint=hint, kind=kind)

    def _unreachable(self, error: Exception) -> DatabaseError:
        number, text = error_of(error)
        said = " ".join(redact(text, self.secrets).split())
        hint = _HINTS.get(number, "check host, port, user and ssl-mode in the URL")
        return DatabaseError(f"cannot connect to {self.place()}: {said}", hint=hint, kind="unreachable")

    # --- client programs ----------------------------------------------------------------------------------------------

    @contextmanager
    def option_file(self, flavour: Flavour) -> Iterator[tuple[str, tuple[int, ...]]]:
        """How a client program gets to the server: `--defaults-file=…`, the first of its arguments, and the file
        descriptors that it must inherit. Where the system has files without a name, nothing touches a disk."""
        content = self._options(flavour).encode()
        maker = getattr(os, "memfd_create", None)
        if maker is not None:
            fd = maker("dbops", 0)
            try:
                os.fchmod(fd, 0o600)  # the programs pass over a file that others may write
                os.write(fd, content)
                yield f"--defaults-file=/dev/fd/{fd}", (fd,)
            finally:
                os.close(fd)
            return
        with tempfile.TemporaryDirectory(prefix="dbops-") as folder:
            path = Path(folder) / "client.cnf"
            path.touch(0o600)
            path.write_bytes(content)
            yield f"--defaults-file={path}", ()

    def for_a_person(self, flavour: Flavour) -> Secret:
        """The same as text, for a private file of somebody who looks in with the client."""
        return Secret(self._options(flavour))

    def environment(self) -> dict[str, str]:
        """The whole environment of a client program; no file of the user's home is read by it."""
        kept = {k: v for k, v in os.environ.items() if k in _KEPT_ENVIRONMENT}
        return kept | {"LC_ALL": "C", "LANGUAGE": "C", "MYSQL_TEST_LOGIN_FILE": os.devnull}

    def _options(self, flavour: Flavour) -> str:
        p = self.parameters
        found = {"user": p.user, "password": self.password or "", "host": p.host, "port": str(p.port)}
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
        return [f"ssl-mode={p.ssl_mode}"]
    if p.ssl_mode == "DISABLED":
        return ["skip-ssl"]
    verify = p.ssl_mode in ("VERIFY_CA", "VERIFY_IDENTITY")
    encrypt = ["ssl"] if p.ssl_mode != "PREFERRED" else []
    return [*encrypt, "ssl-verify-server-cert" if verify else "disable-ssl-verify-server-cert"]


def flavour(connection: Connection) -> Flavour:
    """Which product the server is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION(), @@version_comment")
        row = cursor.fetchone()
    return flavour_of(*(str(value) for value in row or ()))


def error_of(error: Exception) -> tuple[int, str]:
    """Number and text of an error of the driver; 0 where it has none."""
    if len(error.args) >= 2 and isinstance(error.args[0], int):
        return error.args[0], str(error.args[1])
    return 0, str(error) or type(error).__name__


def lost(error: Exception) -> bool:
    """Whether there is no session any more: it was ended, or the server was."""
    return error_of(error)[0] in _LOST


def _of_flavour(flavour: Flavour) -> list[str]:
    return [setting for setting in (flavour.no_time_limit, flavour.fresh_statistics) if setting]


def _quoted(value: str) -> str:
    """For an option file (manual, 'Using Option Files'): quotes keep spaces and #, the backslash escapes."""
    text = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    text = text.replace('"', '\\"')  # else it would end the quotes, and a # behind it begin a comment
    return f'"{text}"'


def _client_options(path: str | None) -> dict[str, str]:
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
            raise ConfigError(f"{path}: {error.strerror}", hint="see read_default_file in the URL") from None
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
