"""How to reach a PostgreSQL server: for the driver, and for the client programs without a secret in their argv."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dbops.command import redact
from dbops.config.urls import Secret
from dbops.engine.postgres import pooler
from dbops.errors import ConfigError, DatabaseError
from dbops.language import msg
from dbops.route.base import Route, blamed

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

# How values print must not hang on a setting of the database, the role or the machine: one digest, one text.
# bytea_output and TimeZone are those that pg_dump leaves alone; the others repeat what it sets itself (setup_connection
# in pg_dump.c). No parallel plan: it could reorder a `COPY (SELECT …)`, and takes the server's cores from its users.
# standard_conforming_strings: ours and pg_restore's SQL is written for it. default_transaction_read_only: a restored
# copy has its database's settings, and must still be tried out, swapped and undone; what only reads says so itself.
# search_path: a function in a schema of some user must never stand in for the server's (CVE-2018-1058).
SESSION = {
    "search_path": "",
    "TimeZone": "UTC",
    "DateStyle": "ISO,YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "synchronize_seqscans": "off",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    "max_parallel_workers_per_gather": "0",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_read_only": "off",
}
_TIMEOUT_VERSION = 170000
_TIMEOUT = "transaction_timeout"
"""Of 17 and later: older servers refuse it in `options`. It may be as short as a millisecond."""
_NETWORK = {
    "connect_timeout": "15",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "6",
    "tcp_user_timeout": "90000",
}
"""Seconds (the last: milliseconds). A lost host is noticed in a minute and a half, not after the kernel's two hours;
and a session that only holds a lock or a snapshot is not forgotten by a NAT in between."""
_SECRET_PARAMETERS = ("password", "sslpassword", "oauth_client_secret")
_KEPT_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "KRB5CCNAME", "KRB5_CONFIG")
# Encoding, time zone and date style decide how values print, and win over `options`; colours hide what a program says.
_REFUSED_ENVIRONMENT = ("PGCLIENTENCODING", "PGTZ", "PGDATESTYLE", "PG_COLOR", "PG_COLORS")
NO_SESSION_HINT = msg("lower jobs, or raise the limit: max_connections, or the CONNECTION LIMIT of role or database")
_HINTS = {
    "": msg(
        "look into the server's log: was it restarted, was the session ended, or did a standby "
        "cancel it (max_standby_streaming_delay, hot_standby_feedback)?"
    ),
    "22021": msg(
        "an SQL_ASCII database takes any bytes: some name, comment or definition in it is not UTF-8, "
        "and only rows may be so; rename or rewrite it (look with client_encoding = SQL_ASCII)"
    ),
    "42501": msg("grant the missing right to the role in the URL, or use another role"),
    "53100": msg("free space on the database server's disk"),
    "53200": msg("raise max_locks_per_transaction on the server"),
    "53300": NO_SESSION_HINT,
    "40001": msg("a standby cancelled the query: raise max_standby_streaming_delay or set hot_standby_feedback = on"),
    "57P01": msg("the server or an administrator ended the session; look into the server's log"),
}
"""What to do, by SQLSTATE (manual, appendix A)."""
_NO_LIBRARY = re.compile(r"could not (?:access file|load library)|access to library")
_NO_SUCH = re.compile(r'(?:database|role) ".*" does not exist')
STANDBY_CONFLICT = "conflict with recovery"
"""What a standby says when it cancels a query so that replay can go on; to a driver, SQLSTATE 40001."""
STANDBY_HINT = _HINTS["40001"]


def no_session_left(text: str) -> bool:
    """Whether the server's words, as libpq or one of its programs gives them, are of SQLSTATE 53300."""
    return "FATAL:" in text and ("too many c" in text or "connection slots" in text)


# The driver logs what it cannot do with a connection that is lost. Whoever lost it raises, and that error is told.
logging.getLogger("psycopg").setLevel(logging.CRITICAL)


class Access:
    """Connection settings of one target: a libpq URL or conninfo, and its password apart from it. `route`: the way
    whose address the URL has.

    Raises `ConfigError` when the URL cannot be parsed. Never shows the password in `repr`.
    """

    def __init__(self, url: str, *, password: str | None = None, route: Route | None = None) -> None:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict

        try:
            parameters = {k: str(v) for k, v in conninfo_to_dict(url).items() if v is not None}
        except ProgrammingError as error:
            raise ConfigError(
                msg("the database URL cannot be read: {error}", error=redact(str(error).strip(), [password or ""])),
                hint=msg("postgresql://user@host:5432/database?sslmode=verify-full; percent-encode special characters"),
            ) from None
        if any(parameters.get(name) for name in _SECRET_PARAMETERS[1:]):
            raise ConfigError(
                msg("sslpassword and oauth_client_secret do not belong in a database URL: programs would show them"),
                hint=msg("put them in a service file (0600) and use postgresql:///?service=NAME"),
            )
        from_url = parameters.pop("password", None)
        self.password = password if password is not None else from_url
        parameters.pop("client_encoding", None)  # a dump keeps the server's encoding; our own sessions use UTF-8
        self.parameters = parameters
        self._route = route
        self._knows_timeout = False
        """Whether the server has been met, and is one that knows `transaction_timeout`."""

    def __repr__(self) -> str:
        return f"Access({self.conninfo()!r})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be in any text that is shown."""
        return (self.password,) if self.password else ()

    def conninfo(self, database: str | None = None, *, application: str = "dbops", usual_path: bool = False) -> str:
        """A libpq connection string without any secret, fit for a program's argv.

        `database` replaces the target's own database. `usual_path`: for what loads a dump, and empties the search path
        itself, with its first statement: scripts of extensions (postgis_topology) append to what a session began with.
        """
        from psycopg.conninfo import make_conninfo

        given = {name: value for name, value in SESSION.items() if not usual_path or name != "search_path"}
        if self._knows_timeout:
            given[_TIMEOUT] = "0"
        settings = " ".join(f"-c {name}={value}" for name, value in given.items())
        own = self.parameters.get("options") or os.environ.get("PGOPTIONS", "")
        extra = {"options": f"{own} {settings}".strip(), "application_name": application}
        if database is not None:
            extra["dbname"] = database
        return make_conninfo("", **{**_NETWORK, **self.parameters, **extra})

    def for_a_person(self) -> Secret:
        """A libpq connection string with the password in it and none of our settings: for a private file."""
        from psycopg.conninfo import make_conninfo

        secret = {"password": self.password} if self.password is not None else {}
        return Secret(make_conninfo("", **{**self.parameters, **secret}))

    def environment(self) -> dict[str, str]:
        """The whole environment of a client program: what libpq needs, English messages, and the password.

        Nothing else of ours is handed on, so that no other secret of the caller's environment reaches a child.
        """
        kept = {k: v for k, v in os.environ.items() if k in _KEPT_ENVIRONMENT or k.startswith("PG")}
        for name in _REFUSED_ENVIRONMENT:
            kept.pop(name, None)
        if self.password is not None:
            kept["PGPASSWORD"] = self.password
        return kept | {"LC_ALL": "C", "LANGUAGE": "C"}

    @contextmanager
    def session(self, database: str | None = None, *, application: str = "dbops") -> Iterator[Connection]:
        """A driver connection in autocommit mode, closed at the end.

        Raises `DatabaseError` when the server cannot be reached, and for every error of a statement inside the block,
        with the server's text and SQLSTATE.
        """
        with self.translated(), self.connect(database, application=application) as connection:
            yield connection

    def connect(self, database: str | None = None, *, application: str = "dbops") -> Connection:
        """A driver connection in autocommit mode, for a caller that closes it. `DatabaseError` if there is none."""
        import psycopg

        def opened() -> Connection:
            conninfo = self.conninfo(database, application=application)
            return psycopg.connect(conninfo, password=self.password, autocommit=True, client_encoding="UTF8")

        try:
            lifted = self._knows_timeout  # before: another thread may find it out meanwhile
            connection = opened()
            if connection.info.server_version >= _TIMEOUT_VERSION and not lifted:
                self._knows_timeout = True
                try:
                    connection.execute(f"SET {_TIMEOUT} = 0")
                except psycopg.Error:  # it was over before that
                    connection.close()
                    connection = opened()
            if "PGTZ" in os.environ or "PGDATESTYLE" in os.environ:  # libpq lets them win over `options`
                connection.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'")
            if pooler.ignores(connection, SESSION):
                connection.close()
                raise pooler.refused(self.place(database))
            return connection
        except psycopg.OperationalError as error:
            raise self._unreachable(error, database) from None

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turns the driver's errors inside the block into `DatabaseError`."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise self.database_error(error) from error

    def _unreachable(self, error: Exception, database: str | None = None) -> DatabaseError:
        text = " ".join(redact(str(error), self.secrets).split())
        hint = msg("check host and port in the URL; is the server running?")
        if "password authentication failed" in text:
            hint = msg("is it the right user? the password is from the URL, dbops.toml (password_…) or ~/.pgpass")
        elif "unsupported startup parameter" in text:  # PgBouncer's, in each of its modes
            hint = pooler.HINT
        elif "no password supplied" in text:
            hint = msg("set password_file, password_env or password_command in dbops.toml, or use ~/.pgpass")
        elif "service" in self.parameters and "definition of service" in text:
            hint = msg("name a service of ~/.pg_service.conf, or of the file that PGSERVICEFILE names")
        elif "pg_hba.conf" in text and "no encryption" in text:
            hint = msg("does the server's pg_hba.conf let this user in from here? with TLS (sslmode=require)?")
        elif "SSL" in text or "certificate" in text or "no encryption" in text:
            hint = msg("check sslmode, sslrootcert, sslcert and sslkey in the URL")
        elif _NO_SUCH.search(text):
            hint = msg("check the database and user in the URL")
        elif no_session_left(text):
            hint = NO_SESSION_HINT
        elif "the database system is" in text:
            hint = msg("the server is there, and not ready: look at its log, then repeat")
        elif "permission denied for database" in text:
            hint = msg("GRANT CONNECT ON DATABASE … TO the user")
        elif _NO_LIBRARY.search(text):
            hint = msg(
                "a library is missing that the server loads into each session (session_preload_libraries, "
                "local_preload_libraries): install it, or RESET the setting from another database"
            )
        elif "FATAL:" in text:  # the server has answered
            hint = msg("does the server's pg_hba.conf let this user in from here, and an event trigger on login?")
        told = msg("cannot connect to {place}: {reason}", place=self.place(database), reason=text)
        found = DatabaseError(told, hint=hint, kind="unreachable")
        return found if "FATAL:" in text else blamed(found, self._route)

    def database_error(self, error: Exception) -> DatabaseError:
        """The server's error as ours: its first line, its SQLSTATE, and a hint where one is known."""
        import psycopg

        state = error.sqlstate if isinstance(error, psycopg.Error) and error.sqlstate else ""
        text = redact(str(error).strip(), self.secrets)
        kind = f"sqlstate-{state}" if state else "connection-lost"
        told = msg("{place}: {text}", place=self.place(), text=text)
        found = DatabaseError(told, hint=_HINTS.get(state, ""), kind=kind)
        return found if state else blamed(found, self._route)

    def place(self, database: str | None = None) -> str:
        """Database and server for people, without a secret. `database` replaces the target's own."""
        p = self.parameters if database is None else {**self.parameters, "dbname": database}
        if "service" in p:
            return msg("service {name}", name=p["service"])
        if self._route is not None:
            name = p["host"] if "hostaddr" in p else msg("its socket")
            database = p.get("dbname") or p.get("user") or msg("the default database")
            return msg("{database} on {host} {way}", database=database, host=name, way=self._route.label)
        host = p.get("host") or p.get("hostaddr") or os.environ.get("PGHOST") or msg("local socket")
        port = p.get("port") or os.environ.get("PGPORT") or "5432"
        return msg(
            "{database} on {host}:{port}",
            database=p.get("dbname") or p.get("user") or msg("the default database"),
            host=host,
            port=port,
        )
