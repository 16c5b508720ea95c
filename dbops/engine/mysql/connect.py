"""How to reach a MySQL or MariaDB server: for the driver, and for the client programs through a private option file."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbops.command import redact
from dbops.config.urls import Secret
from dbops.engine.mysql import option_file, spelling, tls
from dbops.engine.mysql.driver_errors import HINTS, LOCK_TIMEOUT, NO_TLS, error_of, lost
from dbops.engine.mysql.flavour import Flavour, Version, flavour_of, parse_version
from dbops.engine.mysql.parameters import read
from dbops.errors import DatabaseError, LockedError
from dbops.language import msg
from dbops.route.base import Route, blamed

if TYPE_CHECKING:
    from pymysql.connections import Connection as Driver
    from pymysql.cursors import Cursor

    Connection = Driver[Cursor]

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
# Where the server's default is READ ONLY, a guard for applications. The setting has one name by product and version.
_WRITES = "SET SESSION TRANSACTION READ WRITE"
_KEPT_ENVIRONMENT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "LIBMYSQL_PLUGIN_DIR")


class Access:
    """Connection settings of one target: a `mysql://` or `mariadb://` URL, and its password apart from it.

    What neither of them says (user, password, host, port, socket) is taken from the `[client]` group of the option
    file that `read_default_file` in the URL names, or else of `~/.my.cnf`, as the programs themselves do.
    `route`: the way whose address the URL has.
    Raises `ConfigError` when the URL cannot be used. Never shows the password in `repr`.
    """

    def __init__(self, url: str, *, password: str | None = None, route: Route | None = None) -> None:
        self.parameters, self.password = read(url, password)
        self._route = route
        p = self.parameters
        self.opened: set[int] = set()
        """The server's numbers of all sessions that were opened by this, and by copies of it."""
        self._servers: dict[tuple[object, ...], None] = {}
        """Those that the sessions have met, by the same: more than one where a load balancer stands at the address."""
        self._encrypts = p.ssl_mode != "DISABLED" and not p.socket
        self._settings = ""
        """Those of `SESSION` for this product, once it is known."""

    def __repr__(self) -> str:
        return f"Access({self.place()!r})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be in any text that is shown."""
        return (self.password,) if self.password else ()

    @property
    def database(self) -> str:
        """The URL's own."""
        return self.parameters.database

    def place(self) -> str:
        """Database and server for people, without a secret."""
        return msg("{database} on {host}", database=self.database or msg("no database"), host=self.host())

    def host(self) -> str:
        """The server for people: host and port, or its socket."""
        p = self.parameters
        if self._route is not None:
            return msg("{socket} {label}", socket=p.server_name or msg("its socket"), label=self._route.label)
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
                close(connection)

    def connect(self, database: str | None = None) -> Connection:
        """A driver connection in autocommit mode with the settings of `SESSION`, for a caller that closes it.

        `database`: None for the target's own, '' for none. Raises `DatabaseError` if there is none to be had.
        """
        import pymysql

        name = self.database if database is None else database
        try:
            try:
                connection = self._connected(name, encrypted=self._encrypts)
            except pymysql.OperationalError as error:
                if self.parameters.ssl_mode != "PREFERRED" or error_of(error)[0] != NO_TLS:
                    raise
                self._encrypts = False
                connection = self._connected(name, encrypted=False)
        except pymysql.MySQLError as error:
            raise self._unreachable(error) from None
        except (OSError, ValueError, RuntimeError) as error:
            raise self._lost_way(redact(str(error), self.secrets), "") from None
        self.opened.add(connection.thread_id())  # type: ignore[no-untyped-call]
        with self.translated(), connection.cursor() as cursor:
            self._settings = self._settings or ", ".join([*SESSION, *_of_flavour(flavour(connection))])
            cursor.execute(f"SET SESSION {self._settings}")
            cursor.execute(_WRITES)
            cursor.execute("SELECT @@hostname, @@port, @@server_id, @@datadir")
            self._servers.setdefault(tuple(cursor.fetchone() or ()))
        if len(self._servers) > 1:
            close(connection)
            raise self._several_servers()
        return connection

    def _several_servers(self) -> DatabaseError:
        """What one session locks, makes or drops, another of the same run would not find locked, made or dropped."""
        names = [f"{server[0]}:{server[1]} (server_id {server[2]})" for server in self._servers]
        return DatabaseError(
            msg(
                "sessions to {place} end on more than one server: {servers}",
                place=self.place(),
                servers=", ".join(names),
            ),
            hint=msg("use the address of one server, not that of a load balancer or proxy that spreads sessions"),
            kind="several-servers",
        )

    def _connected(self, database: str, *, encrypted: bool) -> Connection:
        import pymysql

        p = self.parameters
        how: dict[str, Any] = {"ssl_disabled": True}
        if encrypted:
            how = {"ssl": tls.context(p.ssl_mode, p.ssl_ca, p.ssl_cert, p.ssl_key)}
        connection = pymysql.connect(
            user=p.user,
            password=(self.password or "").encode(),  # as text the driver would send it as latin-1
            host=p.server_name or p.host or "localhost",  # the driver holds the certificate against it
            port=p.port,
            unix_socket=p.socket or None,
            database=database or None,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=_SECONDS,
            max_allowed_packet=_PACKET,
            program_name="dbops",
            defer_connect=bool(p.server_name),
            **how,
        )
        if p.server_name:
            _connect_elsewhere(connection, p.host, p.port)
        connection.encoding = spelling.ENCODING
        return connection

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
        if number == LOCK_TIMEOUT:
            return LockedError(
                msg("{place}: {said}", place=self.place(), said=said), hint=HINTS[LOCK_TIMEOUT], kind="lock-timeout"
            )
        kind = "connection-lost" if lost(error) else f"mysql-{number}"
        hint = msg("look into the server's log") if kind == "connection-lost" else HINTS.get(number, "")
        told = msg("{place}: {said} ({number})", place=self.place(), said=said, number=number)
        found = DatabaseError(told, hint=hint, kind=kind)
        return blamed(found, self._route) if kind == "connection-lost" else found

    def _unreachable(self, error: Exception) -> DatabaseError:
        number, text = error_of(error)
        said = " ".join(redact(text, self.secrets).split())
        hint = HINTS.get(number, msg("check host, port, user and ssl-mode in the URL"))
        return self._lost_way(said, hint, answered=number in (1044, 1045, 1049, 1698, 1130))

    def _lost_way(self, said: str, hint: str, *, answered: bool = False) -> DatabaseError:
        """`answered`: the server itself has refused."""
        told = msg("cannot connect to {place}: {said}", place=self.place(), said=said)
        error = DatabaseError(told, hint=hint, kind="unreachable")
        return error if answered else blamed(error, self._route)

    # --- client programs ----------------------------------------------------------------------------------------------

    @contextmanager
    def option_file(self, flavour: Flavour) -> Iterator[tuple[str, tuple[int, ...]]]:
        """How a client program gets to the server: `--defaults-file=…`, the first of its arguments, and the file
        descriptors that it must inherit. Where the system has files without a name, nothing touches a disk."""
        content = option_file.text(self.parameters, self.password, flavour).encode()
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
        return Secret(option_file.text(self.parameters, self.password, flavour))

    def environment(self) -> dict[str, str]:
        """The whole environment of a client program; no file of the user's home is read by it."""
        kept = {k: v for k, v in os.environ.items() if k in _KEPT_ENVIRONMENT}
        return kept | {"LC_ALL": "C", "LANGUAGE": "C", "MYSQL_TEST_LOGIN_FILE": os.devnull}


def _connect_elsewhere(connection: Connection, host: str, port: int) -> None:
    """Connects not to the host that the certificate must name, but to the address of a way to it."""
    way = socket.create_connection((host, port), _SECONDS)
    way.settimeout(None)
    way.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    way.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.connect(way)


def close(connection: Connection) -> None:
    """Never raises."""
    with suppress(Exception):
        connection.close()


def product(connection: Connection) -> tuple[Flavour, Version]:
    """Which server this is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION(), @@version_comment")
        version, comment = cursor.fetchone() or ("", "")
    return flavour_of(str(version), str(comment)), parse_version(str(version))


def flavour(connection: Connection) -> Flavour:
    """Which product the server is."""
    return product(connection)[0]


def _of_flavour(flavour: Flavour) -> list[str]:
    return [setting for setting in (flavour.no_time_limit, flavour.fresh_statistics) if setting]
