"""Runs an application's own migrations, in the application's own interpreter; `runner` starts it and reads from it.

It imports nothing of dbops: the standard library (Python 3.8 and later) and what the application has. Standard input
brings one line of JSON, the request, and then stays open: its end means that dbops is gone, and this process goes too.
What happens is told as lines of JSON on the descriptor that the only argument names. The database's URL is in the
environment, never in the request.

The schema of the events is in `runner_events`. SQL stands here, and not in files beside it, since the file must work
alone.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
import threading
import time
import traceback
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, Iterator  # noqa: UP035 - collections.abc has no subscripts in Python 3.8
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

ELSEWHERE = "the application has opened another database than the one that it was given"
_DRIVERS = {
    "postgres": (
        ("psycopg2", "postgresql"),
        ("psycopg", "postgresql+psycopg"),
        ("pg8000", "postgresql+pg8000"),
        ("asyncpg", "postgresql+asyncpg"),
    ),
    "mysql": (
        ("MySQLdb", "mysql"),
        ("pymysql", "mysql+pymysql"),
        ("mysql.connector", "mysql+mysqlconnector"),
        ("mariadb", "mariadb+mariadbconnector"),
        ("aiomysql", "mysql+aiomysql"),
        ("asyncmy", "mysql+asyncmy"),
    ),
}
"""What is looked for in the application's environment, and what SQLAlchemy calls it: its own default first."""
_FAMILIES = {
    "postgres": ("psycopg", "asyncpg", "pg8000"),
    "mysql": ("mysql", "mariadb", "asyncmy"),
}
_SESSION = {"postgres": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
# pg_relation_filenode, not relfilenode: the latter is 0 for mapped catalogs. Kinds: tables, matviews, indexes.
_RELATIONS = """
SELECT c.oid, n.nspname || '.' || c.relname, c.relkind, pg_relation_filenode(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'i') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""
_LOCKS = """
SELECT l.relation, l.mode, n.nspname || '.' || c.relname, c.relkind, pg_relation_filenode(c.oid),
  CASE WHEN c.relkind IN ('r', 'm') THEN pg_table_size(c.oid) ELSE 0 END
FROM pg_locks l LEFT JOIN pg_class c ON c.oid = l.relation LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = pg_backend_pid() AND l.granted AND l.locktype = 'relation'
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (n.nspname IS NULL OR (n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'))
"""
_TABLE_IDS = "SELECT NAME, TABLE_ID FROM information_schema.{table} WHERE SUBSTRING_INDEX(NAME, '/', 1) = DATABASE()"
_COMMENTS = r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*"
_READS = re.compile(_COMMENTS + r"(select|show|set|with|explain|savepoint|release)\b", re.I | re.S)
_WRITES = re.compile(_COMMENTS + r"(insert|update|delete|replace|copy|load)\b", re.I | re.S)
_TEXT = 20_000
"""The most characters of a statement that are told."""


class Elsewhere(Exception):  # noqa: N818 - it is told by its name
    """See `ELSEWHERE`."""


class Told:
    """Writes events."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._lock, self._begun = descriptor, threading.Lock(), time.monotonic()

    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begun

    def __call__(self, event: str, **facts: Any) -> None:
        line = json.dumps({"event": event, "at": facts.pop("at", self.now()), **facts}, default=str) + "\n"
        data = line.encode()
        with self._lock:
            with contextlib.suppress(BrokenPipeError):  # nobody listens any more: `hold` sees to it
                while data:
                    data = data[os.write(self._descriptor, data) :]


class Watch:
    """Follows the statements of all engines of this process, and the one connection that migrates."""

    def __init__(self, tell: Told, request: dict[str, Any]) -> None:
        self.tell, self.request = tell, request
        self.revision = ""
        self.family: str = request["family"]
        self.url = ""
        self._sessions: list[int] = []
        self._begun: dict[int, float] = {}
        self._known: dict[int, tuple[str, Any]] = {}
        self._held: set[tuple[int, str]] = set()
        self._tables: dict[str, Any] = {}

    # --- connections ------------------------------------------------------------------------------------------------

    def connected(self, dbapi: Any, _record: Any) -> None:
        """A new session: limits first, so that nothing of the application waits longer than it may."""
        if family(dbapi) != self.family:
            return
        cursor = dbapi.cursor()
        try:
            here = self._here(cursor)
            if here:
                for text in self.request["setup"]:
                    cursor.execute(text)
                    if cursor.description is not None:
                        cursor.fetchall()
            cursor.execute(_SESSION[self.family])
            session = cursor.fetchone()[0]
        finally:
            cursor.close()
        if here:
            self._sessions.append(int(session))
        dbapi.commit()  # a setting of a transaction that is rolled back would be gone with it
        self.tell("session" if here else "elsewhere", session=session)

    def end_sessions(self) -> None:
        """dbops is gone. PostgreSQL looks whether we are there (`setup`); MySQL 9 leaves a session whose client is gone
        in its wait for a lock, and would then do what nobody waits for any more."""
        if self.family != "mysql":
            return
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        sessions = list(self._sessions)
        connection = create_engine(self.url, poolclass=NullPool).raw_connection()  # gone with its last reference
        cursor = connection.cursor()
        for session in sessions:
            with contextlib.suppress(Exception):
                cursor.execute(f"KILL {session}")

    def _here(self, cursor: Any) -> bool:
        """Whether it is the database that was given: dbops holds a lock there, and the query sees it."""
        proof = self.request.get("proof")
        if not proof:
            return True
        cursor.execute(proof)
        row = cursor.fetchone()
        return bool(row and row[0])

    def check(self, connection: Any) -> None:
        """Before the first revision runs, by the driver's own cursor: for SQLAlchemy no transaction has begun."""
        raw = connection.connection
        cursor = raw.cursor()
        try:
            here = connection.dialect.name in ("postgresql", "mysql", "mariadb") and self._here(cursor)
        finally:
            cursor.close()
        if not connection.in_transaction():
            raw.rollback()
        if not here:
            raise Elsewhere(ELSEWHERE)

    # --- statements -------------------------------------------------------------------------------------------------

    def before(self, connection: Any, _cursor: Any, _text: str, _values: Any, context: Any, _many: bool) -> None:
        if self.revision and family(connection.connection) == self.family and not self._known and not self._tables:
            self._look(connection)
        self._begun[id(context)] = self.tell.now()

    def after(self, connection: Any, cursor: Any, text: str, _values: Any, context: Any, many: bool) -> None:
        begun = self._begun.pop(id(context), self.tell.now())
        seconds = self.tell.now() - begun
        facts: dict[str, Any] = {"at": begun, "seconds": seconds, "rows": cursor.rowcount, "many": many}
        if self.revision and family(connection.connection) == self.family:
            facts.update(self._effects(connection, text))
        self.tell("statement", revision=self.revision, sql=text[:_TEXT], **facts)

    def failed(self, context: Any) -> None:
        execution = context.execution_context
        begun = self._begun.pop(id(execution), self.tell.now())
        self.tell(
            "failed",
            at=begun,
            seconds=self.tell.now() - begun,
            revision=self.revision,
            sql=(context.statement or "")[:_TEXT],
            error=type(context.original_exception).__name__,
            code=code(context.original_exception),
            message=said(context.original_exception),
        )
        self._held.clear()

    def ended(self, how: str) -> Callable[[Any], None]:
        """A transaction has ended."""

        def tell(_connection: Any) -> None:
            self.tell(how)
            self._held.clear()

        return tell

    def _effects(self, connection: Any, text: str) -> dict[str, Any]:
        """Locks that the statement has taken, and tables that it has written anew."""
        if not self.request["locks"] or _READS.match(text):
            return {}
        try:
            return self._postgres(connection) if self.family == "postgres" else self._mysql(connection, text)
        except Exception as error:  # noqa: BLE001 - a look is no reason to stop a migration
            self.tell("note", text=f"locks could not be looked at: {type(error).__name__}: {said(error)}")
            self.request["locks"] = False
            return {}

    def _postgres(self, connection: Any) -> dict[str, Any]:
        locks, rewritten = [], []
        for oid, mode, name, kind, node, size in rows(connection, _LOCKS):
            known, old = self._known.get(oid, (name, None))
            if (oid, mode) not in self._held:
                self._held.add((oid, mode))
                locks.append([known or name or str(oid), mode, kind, oid in self._known])
            if name is not None:
                if old is not None and node is not None and old != node:
                    rewritten.append([name, text_of(kind), size])
                    self._known[oid] = (name, node)
                elif oid not in self._known:
                    self._held.add((oid, mode))
        unique = {tuple(one): one for one in rewritten}
        return {"locks": locks, "rewritten": list(unique.values()), "observed": not autocommit(connection)}

    def _mysql(self, connection: Any, text: str) -> dict[str, Any]:
        if _WRITES.match(text):
            return {}
        found = self._table_ids(connection)
        old, self._tables = self._tables, found
        return {
            "rewritten": [
                [name.partition("/")[2], "r", 0] for name, number in found.items() if old.get(name, number) != number
            ]
        }

    def _look(self, connection: Any) -> None:
        """What there is before the first statement of a migration."""
        if not self.request["locks"]:
            return
        try:
            if self.family == "postgres":
                self._known = {oid: (name, node) for oid, name, _, node in rows(connection, _RELATIONS)}
            else:
                self._tables = self._table_ids(connection)
        except Exception as error:  # noqa: BLE001 - as above
            self.tell("note", text=f"tables could not be looked at: {type(error).__name__}: {said(error)}")
            self.request["locks"] = False

    def _table_ids(self, connection: Any) -> dict[str, Any]:
        """InnoDB's own numbers of the tables: one that is written anew gets another. Needs the right PROCESS."""
        if "ids" not in self.request:
            for table in ("INNODB_TABLES", "INNODB_SYS_TABLES"):
                try:
                    rows(connection, _TABLE_IDS.format(table=table))
                except Exception:  # noqa: BLE001, S112 - MySQL has one of them, MariaDB the other
                    continue
                self.request["ids"] = _TABLE_IDS.format(table=table)
                break
            else:
                raise RuntimeError("information_schema has no INNODB_TABLES for this user")
        return {str(name): number for name, number in rows(connection, self.request["ids"])}


# --- little things --------------------------------------------------------------------------------------------------


def rows(connection: Any, query: str) -> list[Any]:
    """By the driver's own cursor, so that no listener sees it."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(query)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def family(dbapi: Any) -> str:
    """The dialect of a driver's connection, by the module that it comes from; empty for others, such as SQLite."""
    for one in (dbapi, getattr(dbapi, "dbapi_connection", None), getattr(dbapi, "driver_connection", None)):
        module = type(one).__module__.lower()
        for name, parts in _FAMILIES.items():
            if any(part in module for part in parts):
                return name
    return ""


def autocommit(connection: Any) -> bool:
    """Whether each statement is a transaction of its own, whose locks are gone when it has ended."""
    return bool(getattr(connection.connection, "autocommit", False))


def text_of(kind: Any) -> str:
    return kind.decode() if isinstance(kind, bytes) else str(kind)


def code(error: Any) -> str:
    """SQLSTATE, or the number of a MySQL error."""
    arguments: Any = getattr(error, "args", ())
    if arguments and isinstance(arguments[0], int):
        return str(arguments[0])
    return str(getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or "")


def said(error: Any) -> str:
    """The first line of an error, without the parameters that SQLAlchemy appends and the rows that servers quote."""
    inner = getattr(error, "orig", None) or error
    arguments: Any = getattr(inner, "args", ())
    text = str(arguments[1]) if len(arguments) > 1 and isinstance(arguments[0], int) else str(inner)
    line = (text.strip().splitlines() or [type(inner).__name__])[0]
    return re.sub(r"entry '.*' for key", "entry '…' for key", line)[:2000]


def place(error: BaseException, folders: list[str]) -> str:
    """File and line of the migration that raised, else of the last code outside of installed packages."""
    frames = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    own = [one for one in frames if any(one[0].startswith(folder) for folder in folders)]
    chosen = own or [one for one in frames if "site-packages" not in one[0] and one[0] != __file__]
    return f"{chosen[-1][0]}:{chosen[-1][1]}" if chosen else ""


# --- the URL --------------------------------------------------------------------------------------------------------


def application_url(url: str, kind: str, driver: str) -> str:
    """The URL as SQLAlchemy takes it: with a driver that is installed here, and that driver's names for TLS."""
    parts = urlsplit(url)
    scheme = driver or next((name for module, name in _DRIVERS[kind] if installed(module)), "")
    if not scheme:
        wanted = ", ".join(module for module, _ in _DRIVERS[kind])
        raise RuntimeError(f"no database driver is installed for the application: none of {wanted}")
    query = parse_qsl(parts.query, keep_blank_values=True)
    if kind == "mysql":
        query = [pair for key, value in query for pair in mysql_option(key.replace("-", "_"), value)]
        if parts.hostname is None and not any(key == "unix_socket" for key, _ in query):
            parts = parts._replace(netloc=parts.netloc + "localhost")
    text = urlencode(query, quote_via=quote, safe="/:,")
    return f"{scheme}://{parts.netloc}{parts.path}" + (f"?{text}" if text else "")


def mysql_option(name: str, value: str) -> Iterator[tuple[str, str]]:
    """What dbops (and the client programs) call it, as PyMySQL and mysqlclient do through SQLAlchemy."""
    if name == "socket":
        yield "unix_socket", value
    elif name == "ssl_mode":
        if value.upper() == "VERIFY_IDENTITY":
            yield "ssl_check_hostname", "true"
    else:
        yield name, value


def installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


# --- the migration --------------------------------------------------------------------------------------------------


def follow(watch: Watch) -> None:
    """Listeners on every engine, before anything of the application is imported."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    event.listen(Engine, "connect", watch.connected, insert=True)
    event.listen(Engine, "before_cursor_execute", watch.before)
    event.listen(Engine, "after_cursor_execute", watch.after)
    event.listen(Engine, "handle_error", watch.failed)
    event.listen(Engine, "commit", watch.ended("commit"))
    event.listen(Engine, "rollback", watch.ended("rollback"))


def enter(watch: Watch, output: Any) -> None:
    """Wraps Alembic's public `EnvironmentContext.configure`, which every env.py calls."""
    from alembic.runtime.environment import EnvironmentContext

    configure = EnvironmentContext.configure

    def told(self: Any, connection: Any = None, *values: Any, **named: Any) -> Any:
        if connection is not None and not self.is_offline_mode():
            watch.check(connection)
        if output is not None:
            named["output_buffer"] = output
        given = named.get("on_version_apply")
        own = [given] if callable(given) else list(given or ())
        named["on_version_apply"] = [*own, applied]
        work = self.context_opts.get("fn")
        if work is not None and not getattr(work, "of_dbops", False):
            self.context_opts["fn"] = stepwise(work)
        return configure(self, connection, *values, **named)

    def stepwise(work: Callable[..., Any]) -> Callable[..., Any]:
        def steps(*values: Any, **named: Any) -> Iterator[Any]:
            for step in work(*values, **named):
                script = getattr(step, "revision", None)
                watch.revision = str(getattr(script, "revision", "") or "")
                watch.tell("revision", revision=watch.revision, up=bool(getattr(step, "is_upgrade", True)))
                yield step
            watch.revision = ""

        steps.of_dbops = True  # type: ignore[attr-defined]
        return steps

    def applied(**facts: Any) -> None:
        watch.tell("applied", revision=watch.revision, heads=sorted(facts.get("heads") or ()))

    EnvironmentContext.configure = told  # type: ignore[method-assign]


def run_alembic(request: dict[str, Any], url: str, output: Any) -> None:
    from alembic import command
    from alembic.config import Config

    named = {"toml_file": request["toml"]} if request.get("toml") else {}
    config = Config(request.get("ini"), **named)
    if request.get("scripts"):
        config.set_main_option("script_location", request["scripts"].replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    if config.cmd_opts is None:
        from argparse import Namespace

        config.cmd_opts = Namespace(x=list(request.get("x") or ()))
    work = command.downgrade if request["action"] == "downgrade" else command.upgrade
    work(config, request["revision"], sql=output is not None)


def run_flask(request: dict[str, Any], output: Any) -> None:
    import flask_migrate  # type: ignore[import-untyped]
    from flask.cli import ScriptInfo, load_dotenv

    with contextlib.suppress(Exception):
        load_dotenv()  # as `flask db upgrade` does; it replaces nothing that is set
    info = ScriptInfo(app_import_path=request.get("app") or os.environ.get("FLASK_APP"))
    work = flask_migrate.downgrade if request["action"] == "downgrade" else flask_migrate.upgrade
    with info.load_app().app_context():
        work(
            directory=request.get("scripts"),
            revision=request["revision"],
            sql=output is not None,
            x_arg=list(request.get("x") or ()) or None,
        )


def main() -> int:
    tell = Told(int(sys.argv[1]))
    request = json.loads(sys.stdin.buffer.readline())
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # what the application prints is for people, and must not be taken for anything else

    def hold() -> None:
        os.read(lifeline, 1)
        with contextlib.suppress(BaseException):
            watch.end_sessions()
        os._exit(70)

    here = str(Path(__file__).resolve().parent)
    sys.path[:] = [one for one in sys.path if str(Path(one or ".").resolve()) != here]
    sys.path.insert(0, str(Path.cwd()))
    output = io.StringIO() if request["action"] == "render" else None
    watch = Watch(tell, request)
    threading.Thread(target=hold, daemon=True).start()
    try:
        url = watch.url = application_url(
            os.environ.pop("DBOPS_RUNNER_URL"), request["family"], request.get("driver") or ""
        )
        os.environ[request["variable"]] = url
        import alembic
        import sqlalchemy

        tell("begin", python=sys.version.split()[0], alembic=alembic.__version__, sqlalchemy=sqlalchemy.__version__)
        follow(watch)
        enter(watch, output)
        if request["kind"] == "flask-migrate":
            run_flask(request, output)
        else:
            run_alembic(request, url, output)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        status = getattr(error, "code", 1) if isinstance(error, SystemExit) else 1
        if isinstance(error, SystemExit) and not status:
            tell("end")
            return 0
        where = place(error, [one for one in (request.get("scripts"),) if one])
        cause = error.__context__ if isinstance(error, SystemExit) and error.__context__ is not None else error
        tell("error", error=type(cause).__name__, code=code(getattr(cause, "orig", None)), message=said(cause),
             where=place(cause, [one for one in (request.get("scripts"),) if one]) or where)  # fmt: skip
        if getattr(cause, "orig", None) is None:
            traceback.print_exception(type(cause), cause, cause.__traceback__)
        return int(status) if isinstance(status, int) else 1
    if output is not None:
        tell("sql", text=output.getvalue())
    tell("end")
    return 0


if __name__ == "__main__":
    result = main()
    sys.stderr.flush()
    os._exit(result)  # threads that the application has left must not keep it here
