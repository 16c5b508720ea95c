"""Dumps of pg_dump and pg_dumpall that are not dbops' own, behind the port `engine.dumps`: puts the parts together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from psycopg import sql

from dbops.command import run
from dbops.engine.dump_streams import chunks
from dbops.engine.dumps import Dump, DumpDatabase, DumpFacts, Form, Loaded, LoadedDatabase
from dbops.engine.postgres import foreign_facts
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.foreign_psql import Failed, ScriptLoad, explained, restricted_psql, statement_at
from dbops.engine.postgres.foreign_verdicts import left_out, load_error, not_empty, same_major
from dbops.engine.postgres.fresh import Fresh, fresh_of
from dbops.engine.postgres.load import tools_for
from dbops.engine.postgres.maintenance import Maintenance
from dbops.engine.postgres.restorer import PostgresRestorer
from dbops.engine.postgres.statements import statement
from dbops.engine.postgres.tools import Tools, installations
from dbops.engine.restoring import Wishes
from dbops.errors import DbopsError, PreflightError, RefusedError, ToolError
from dbops.language import msg
from dbops.model import Finding, Manifest, Severity
from dbops.progress import Progress

UNNAMED = "dbops_archive"
"""What the copy of a dump is called that does not say its database's name."""
MAINTENANCE = "postgres"
_SYSTEM = frozenset({"template0", "template1"})


class PostgresDumps:
    """See `engine.dumps.DumpReader`."""

    def __init__(self, bindir: Path | None = None) -> None:
        self._bindir = bindir

    def read(self, dump: Dump, progress: Progress) -> DumpFacts:
        if dump.form is Form.PLAIN:
            return foreign_facts.read_script(dump, progress)._replace(maintenance=MAINTENANCE)
        tools = installations(self._bindir)
        if not tools:
            hint = msg("install postgresql-client (apt, dnf; brew install libpq), or set bindir in dbops.toml")
            raise PreflightError(msg("there is no pg_restore on this machine"), hint=hint, kind="tool-missing")
        facts = foreign_facts.read_archive(max(tools, key=lambda item: item.major), dump.path, dump.path.name)
        return facts._replace(size=dump.bytes, maintenance=MAINTENANCE)


class PostgresDumpLoader:
    """See `engine.dumps.DumpLoader`."""

    def __init__(self, url: str, *, password: str | None, bindir: Path | None = None) -> None:
        self._access = Access(url, password=password)
        self._maintenance = Maintenance(self._access, "")
        self._bindir = bindir
        self._url = url
        self._password = password

    @contextmanager
    def load(
        self,
        dump: Dump,
        facts: DumpFacts,
        manifest: Callable[[DumpDatabase], Manifest],
        wishes: Wishes,
        progress: Progress,
    ) -> Iterator[Loaded]:
        with self._maintenance.session() as connection:
            major = connection.info.server_version // 10000
            roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
            names = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        findings = self._roles(facts, roles)
        several = facts.cluster or any(database.created for database in facts.databases)
        with ExitStack() as stack:
            if dump.form is Form.PLAIN and several:
                loaded = self._several(stack, dump, facts, manifest, major, names, progress)
            else:
                loaded = self._one(stack, dump, facts, manifest, major, wishes, progress)
            for database in loaded.databases:
                database.side.analyze(wishes.jobs)
            yield loaded._replace(findings=(*findings, *loaded.findings))

    # --- roles ------------------------------------------------------------------------------------------------------

    def _roles(self, facts: DumpFacts, there: set[str]) -> list[Finding]:
        """Makes the roles that objects need and the dump does not have: without login, password or memberships."""
        needed = {role for database in facts.databases for role in database.roles} - set(facts.roles)
        missing = sorted(needed - there)
        with self._maintenance.session() as connection:
            for role in missing:
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        if not missing:
            return []
        return [
            Finding(
                id="roles-not-in-dump",
                severity=Severity.WARNING,
                subject=", ".join(missing),
                expected=msg("roles that objects belong to are backed up with them"),
                actual=msg("they are not in the dump: made without login, password and memberships for this drill"),
                hint=msg("on a new server this dump alone does not load: keep `pg_dumpall --globals-only` beside it"),
            )
        ]

    # --- one database -----------------------------------------------------------------------------------------------

    def _one(
        self,
        stack: ExitStack,
        dump: Dump,
        facts: DumpFacts,
        manifest: Callable[[DumpDatabase], Manifest],
        major: int,
        wishes: Wishes,
        progress: Progress,
    ) -> Loaded:
        database = self._located(facts.databases[0])
        about = manifest(database)
        # pg_restore cannot read a tar in parallel; nor would it be right to load a script in pieces.
        wishes = wishes._replace(jobs=1 if dump.form is Form.TAR else wishes.jobs, create_roles=True)
        name = database.name or UNNAMED
        restorer = PostgresRestorer(self._access, name, self._bindir)
        preflight = restorer.preflight(about, wishes)
        errors = [finding for finding in preflight.findings if finding.severity is Severity.ERROR]
        if preflight.destination.exists:
            raise not_empty(name)
        if errors:
            text = "; ".join(f"{f.subject}: expected {f.expected}, found {f.actual}" for f in errors)
            raise PreflightError(text, hint="\n".join(f.hint for f in errors if f.hint), kind=errors[0].id)
        try:
            side = stack.enter_context(restorer.fresh(about))
        except RefusedError:
            raise not_empty(name) from None
        findings = [finding for finding in preflight.findings if finding.severity is not Severity.ERROR]
        progress.phase("load", total_bytes=facts.size)
        if dump.form is Form.PLAIN:
            findings += self._script(dump, facts, major, name, set(), progress)
        else:
            try:
                findings += side.load(about, dump.path, wishes, progress)
            except ToolError as error:
                raise load_error(self._told(error, dump, about), dump, same_major=same_major(facts, major)) from None
        side.settle("", wishes)
        return Loaded((LoadedDatabase(database, about, side),), tuple(findings))

    def _told(self, error: ToolError, dump: Dump, about: Manifest) -> ToolError:
        """The error, with pg_restore's own words about the archive where a parallel load lost them with a worker."""
        if "worker process died" not in error.message:
            return error
        argv = [tools_for(about, 0, self._bindir).program("pg_restore"), "--file=/dev/null", str(dump.path)]
        read = run(argv, env={"LC_ALL": "C", "LANGUAGE": "C"})
        return error if read.status == 0 else ToolError(read.stderr, hint=error.hint, kind=error.kind)

    def _located(self, database: DumpDatabase) -> DumpDatabase:
        """With the server's own encoding and locale where the dump does not say: what `createdb` would take."""
        with self._maintenance.session() as connection:
            row = connection.execute(statement("foreign_locale")).fetchone()
        encoding, collation, ctype = row or ("UTF8", "C", "C")
        wanted = database.encoding or encoding
        if database.collation:
            return database._replace(encoding=wanted)
        if wanted not in (encoding, "SQL_ASCII"):
            collation = ctype = "C"
        return database._replace(encoding=wanted, collation=collation, ctype=ctype)

    # --- a whole server ---------------------------------------------------------------------------------------------

    def _several(
        self,
        stack: ExitStack,
        dump: Dump,
        facts: DumpFacts,
        manifest: Callable[[DumpDatabase], Manifest],
        major: int,
        existing: set[str],
        progress: Progress,
    ) -> Loaded:
        made: list[LoadedDatabase] = []
        for database in facts.databases:
            if database.name in existing and database.created and database.name not in _SYSTEM | {MAINTENANCE}:
                raise not_empty(database.name)
            if database.name not in _SYSTEM:
                side = self._side(manifest(database), database.name, major, ours=database.name not in existing)
                stack.enter_context(_lifetime(side))
                made.append(LoadedDatabase(database, manifest(database), side))
        progress.phase("load", total_bytes=facts.size)
        findings = self._script(dump, facts, major, MAINTENANCE, existing, progress)
        return Loaded(tuple(made), tuple(findings))

    def _side(self, about: Manifest, name: str, major: int, *, ours: bool) -> Fresh:
        """The database that the script will make. `ours`: it is dropped at the end."""
        tools: Tools = tools_for(about, major, self._bindir)
        side = fresh_of(self._access, self._maintenance, tools, major, about, name)
        side.made = ours
        return side

    def _script(
        self, dump: Dump, facts: DumpFacts, major: int, first: str, existing: set[str], progress: Progress
    ) -> list[Finding]:
        tools = restricted_psql(major, self._bindir)
        with self._maintenance.session() as connection:
            me = connection.info.user
        load = ScriptLoad(self._access, tools, major, first, existing)
        try:
            load.run(chunks(dump.path, dump.packing, dump.identity), me, progress.advance)
        except Failed as failed:
            what = statement_at(chunks(dump.path, dump.packing, dump.identity), failed.line)
            raise explained(failed, dump.path.name, what, same_major=same_major(facts, major)) from None
        return left_out(load.left_out)


@contextmanager
def _lifetime(side: Fresh) -> Iterator[None]:
    """Drops a database that the script has made; an error of that never hides one of the block."""
    try:
        yield
    except BaseException:
        with suppress(DbopsError):
            side.drop()
        raise
    side.drop()
