"""The side database of a restore: created empty, loaded, settled, read, and swapped in or dropped."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from dbops.engine.base import Content, Snapshot, TableKey, TableRef
from dbops.engine.postgres import archive as archives
from dbops.engine.postgres import examine, probes, settle, swap, usual
from dbops.engine.postgres.asked import asked_of
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.load import Load
from dbops.engine.postgres.locks import whoami
from dbops.engine.postgres.maintenance import Connection, Maintenance, at_database, drop_database, exists
from dbops.engine.postgres.moment import open_snapshot
from dbops.engine.postgres.names import BEFORE, RESTORE, beside, moment_of
from dbops.engine.postgres.statements import statement
from dbops.engine.postgres.tools import Tools
from dbops.engine.restoring import Probed, Wishes
from dbops.errors import DbopsError, PreflightError
from dbops.language import msg
from dbops.model import EngineInfo, Finding, Manifest, Severity, major_version
from dbops.progress import Progress

_PUBLIC_MAJOR = 15
_USAGE_MAJOR = 14
_LOGIN_TRIGGERS = 170000
_USAGES = ("column", "routine", "sequence", "table")
MARK = "dbops restore of "
"""How the comment of a side database begins. Without it, a database is not ours, whatever its name."""


class PostgresSide:
    """See `engine.restoring.SideDatabase`."""

    waits_for_swap = frozenset({"database_comment"})
    changed = False

    def __init__(
        self, access: Access, maintenance: Maintenance, tools: Tools, major: int, live: str, name: str
    ) -> None:
        self.name = name
        self._access = access
        self._maintenance = maintenance
        self._tools = tools
        self._major = major
        self._live = live
        self._at_swap: tuple[str, ...] = ()
        self._role = ""
        self.made = False
        """Whether `create` has made it."""

    # --- its beginning and its end ----------------------------------------------------------------------------------

    def create(self, manifest: Manifest) -> None:
        """Empty, with the source's encoding and locale, and marked as ours. `PreflightError` where the server lacks the
        locale.

        CREATE DATABASE cannot share a transaction with its mark, and the server ends it even if we are killed
        meanwhile. So nobody may connect until it is marked: what is left without a mark is empty for certain.
        """
        with self._maintenance.session() as connection:
            try:
                connection.execute(
                    create_statement(self.name, manifest.engine, self._major) + self._where_live_is(connection)
                )
            except (psycopg.errors.InvalidParameterValue, psycopg.errors.WrongObjectType) as error:
                raise PreflightError(
                    msg(
                        "the server cannot make a database like the source's: {message_primary}",
                        message_primary=error.diag.message_primary,
                    ),
                    hint=msg("install the locale on the database server and restart it; nothing was changed"),
                    kind="locale",
                ) from None
            self.made = True
            started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            mark = f"{MARK}{manifest.target}/{manifest.id}, started {started} by {whoami()}"
            connection.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(self.name), sql.Literal(mark))
            )
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(self.name)))

    def _where_live_is(self, connection: Connection) -> sql.Composable:
        """The default tablespace of the database that is to be replaced, if we may use it: its disk was chosen."""
        row = connection.execute(
            "SELECT spcname FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE datname = %s"
            " AND spcname <> 'pg_default' AND has_tablespace_privilege(t.oid, 'CREATE')",
            [self._live],
        ).fetchone()
        return sql.SQL(" TABLESPACE {}").format(sql.Identifier(row[0])) if row else sql.SQL("")

    def drop(self) -> None:
        """Harmless once it was swapped in: nothing bears its name any more."""
        with self._maintenance.session() as connection:
            drop_database(self._access, connection, self.name)

    # --- filling it -------------------------------------------------------------------------------------------------

    def load(self, manifest: Manifest, archive: Path, wishes: Wishes, progress: Progress) -> list[Finding]:
        self._role = manifest.engine.role
        missing = self._missing_tablespaces(archive)
        load = Load(self._access, self._tools, self._major, manifest, progress)
        return [*load.run(archive, wishes, no_tablespaces=bool(missing)), *missing]

    def _missing_tablespaces(self, archive: Path) -> list[Finding]:
        wanted = asked_of(self._tools, archive).tablespaces
        if not wanted:
            return []
        with self._access.session() as connection:
            there = {name for (name,) in connection.execute("SELECT spcname FROM pg_tablespace")}
        return [
            Finding(
                id="missing-tablespace",
                severity=Severity.WARNING,
                subject=name,
                expected=msg("exists on the server"),
                actual=msg("everything goes into the default tablespace"),
                hint=msg("CREATE TABLESPACE first if that matters"),
            )
            for name in sorted(wanted - there)
        ]

    def other_defaults(self, manifest: Manifest) -> frozenset[tuple[str, str]]:
        """Since 15 `public` belongs to pg_database_owner, and not everybody may create in it. What a dump says of it
        depends on both versions, the dump program's and the server's (pg_dump.c, getNamespaces). 14 has more views in
        information_schema, of which everybody may read."""
        source = major_version(manifest.engine.server_version)
        found: set[tuple[str, str]] = set()
        if (source < _PUBLIC_MAJOR) != (self._major < _PUBLIC_MAJOR):
            found |= {("owner", "schema public"), ("grant", "schema public")}
        if (source < _USAGE_MAJOR) != (self._major < _USAGE_MAJOR):
            found |= {("grant", f"view information_schema.routine_{of}_usage") for of in _USAGES}
        return frozenset(found)

    def settle(self, database_sql: str, wishes: Wishes) -> None:
        sorted_out = settle.sort_out(database_sql, no_owner=wishes.no_owner)
        self._at_swap = sorted_out.at_swap
        settle.settle(self._access, sorted_out.now)

    def analyze(self, jobs: int) -> None:
        with self._access.session() as connection:
            rows = connection.execute(statement("restore_analyze")).fetchall()

        def work(share: list[tuple[str, str]]) -> None:
            with self._access.session(application="dbops restore") as connection:
                connection.execute("SET default_transaction_read_only = off")  # in place, the database may have it on
                for schema, name in share:
                    connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(schema, name)))

        count = max(1, min(jobs, len(rows)))
        with ThreadPoolExecutor(count, thread_name_prefix="analyze") as pool:
            list(pool.map(work, [rows[start::count] for start in range(count)]))

    # --- reading it -------------------------------------------------------------------------------------------------

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        return open_snapshot(self._access, self._tools, lock_timeout=30.0, give_way=None)

    def probe(self, manifest: Manifest) -> list[Finding]:
        with self._access.session() as connection:
            return probes.probe(connection, manifest)

    def examine(self, manifest: Manifest, jobs: int, progress: Progress) -> Probed:
        return examine.examine(self._access, manifest, jobs, progress)

    def value(self, query: str, timeout: float) -> object:
        return usual.value(self._access, query, timeout, self._role)

    def key_columns(self, table: TableRef) -> tuple[str, ...]:
        with self._access.session() as connection:
            rows = connection.execute(statement("restore_key"), [table.schema, table.name])
            return tuple(name for (name,) in rows)

    def archive_contents(self, manifest: Manifest, archive: Path, progress: Progress) -> dict[TableKey, Content]:
        return archives.of_backup(self._tools, manifest, archive, progress)

    def archive_lines(self, manifest: Manifest, archive: Path, table: TableRef) -> Iterator[bytes]:
        return archives.lines(self._tools, archive, manifest.engine.encoding, table)

    # --- putting it in place ----------------------------------------------------------------------------------------

    def swap(self, moment: str, *, end_sessions: bool) -> str:
        names = [(self.name, self._live)]
        old = ""
        with self._maintenance.session() as connection:
            if exists(connection, self._live):
                old = beside(self._live, BEFORE, moment)
                names.insert(0, (self._live, old))
            foreign = self._encoded_otherwise(connection)
        unmark = sql.SQL("COMMENT ON DATABASE {} IS NULL").format(sql.Identifier(self._live))
        later = [body for body in self._at_swap if foreign and not body.isascii()]
        at_once = [settle.elsewhere(body, self._live) for body in self._at_swap if body not in later]
        swap.rename(self._maintenance, names, [unmark, *at_once], end_sessions=end_sessions)
        if later:
            # Restored it is, whatever becomes of its comment: a connection limit may keep us out.
            with suppress(DbopsError):
                settle.settle(at_database(self._access, self._live), tuple(later))
        return old

    def _encoded_otherwise(self, connection: Connection) -> bool:
        """Whether a comment that is given here could not be read there: none is converted between encodings."""
        row = connection.execute(
            "SELECT count(DISTINCT encoding) FROM pg_database WHERE datname IN (current_database(), %s)", [self.name]
        ).fetchone()
        return row is not None and row[0] > 1


def create_statement(name: str, info: EngineInfo, major: int) -> sql.Composed:
    """CREATE DATABASE as the source's was: encoding, collation, ctype, locale provider (15 and later), ICU locale.

    Nobody may connect to it yet.
    """
    options = [sql.SQL("TEMPLATE template0 ALLOW_CONNECTIONS false ENCODING {}").format(sql.Literal(info.encoding))]
    options.append(sql.SQL("LC_COLLATE {}").format(sql.Literal(info.collation)))
    options.append(sql.SQL("LC_CTYPE {}").format(sql.Literal(info.ctype or info.collation)))
    if major >= 15 and info.locale_provider:
        options.append(sql.SQL("LOCALE_PROVIDER {}").format(sql.Identifier(info.locale_provider)))
        if info.locale_provider in ("icu", "builtin"):
            word = "ICU_LOCALE {}" if info.locale_provider == "icu" else "BUILTIN_LOCALE {}"
            options.append(sql.SQL(word).format(sql.Literal(info.locale)))
    return sql.SQL("CREATE DATABASE {} {}").format(sql.Identifier(name), sql.SQL(" ").join(options))


def clear_leftovers(access: Access, connection: Connection, name: str) -> list[str]:
    """Drops side databases of this name that carry our mark, or that nobody has ever been able to connect to.

    The caller holds the lock: their restores are dead.
    """
    dropped = []
    for database, _, comment, open_to_all in connection.execute(statement("restore_asides")).fetchall():
        if moment_of(database, name, RESTORE) and (comment.startswith(MARK) or not (open_to_all or comment)):
            drop_database(access, connection, database)
            dropped.append(database)
    return dropped


def side_of(
    access: Access, maintenance: Maintenance, tools: Tools, major: int, manifest: Manifest, live: str, moment: str
) -> PostgresSide:
    """The side database to be, with the source's settings that decide how values are read and printed."""
    name = beside(live, RESTORE, moment)
    return PostgresSide(
        at_database(access, name, copy_settings(maintenance, manifest)), maintenance, tools, major, live, name
    )


def copy_settings(maintenance: Maintenance, manifest: Manifest) -> dict[str, str]:
    """What the sessions of a copy are set to, as far as the server takes it from us.

    `lc_monetary` as on the source: money values print, and are read, by it. No event triggers: one on login (17 and
    later) may write a row, which the backup does not hold, or let nobody in (manual, 'Event Trigger Firing on Login').
    """
    found = {}
    with maintenance.session() as connection:
        if wanted := manifest.inventory.settings.get("lc_monetary", ""):
            with suppress(psycopg.errors.InvalidParameterValue):
                connection.execute("SELECT set_config('lc_monetary', %s, false)", [wanted])
                found["lc_monetary"] = wanted
        if connection.info.server_version >= _LOGIN_TRIGGERS:
            may = connection.execute("SELECT has_parameter_privilege('event_triggers', 'SET')").fetchone()
            if may and may[0]:
                found["event_triggers"] = "off"
    return found
