"""Dumps of mysqldump, mariadb-dump and mydumper that are not dbops' own, behind the port `engine.dumps`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from dbops.engine.dumps import Dump, DumpDatabase, DumpFacts, Form, Loaded, LoadedDatabase
from dbops.engine.mysql import foreign_accounts, zones
from dbops.engine.mysql.connect import Access, flavour
from dbops.engine.mysql.flavour import parse_version
from dbops.engine.mysql.foreign_facts import read_script
from dbops.engine.mysql.foreign_folder_facts import read_folder
from dbops.engine.mysql.foreign_load import Load
from dbops.engine.mysql.foreign_play import UNNAMED, Met
from dbops.engine.mysql.foreign_verdicts import (
    Server,
    collation_hint,
    explained,
    left_out,
    locked_out,
    not_empty,
    replaced,
)
from dbops.engine.mysql.fresh import Fresh
from dbops.engine.mysql.maintenance import Maintenance, rows
from dbops.engine.mysql.restorer import MysqlRestorer
from dbops.engine.restoring import Wishes
from dbops.errors import DatabaseError, DbopsError, PreflightError, RefusedError
from dbops.model import Finding, Manifest, Severity
from dbops.progress import Progress


class MysqlDumps:
    """See `engine.dumps.DumpReader`. No program of the product is needed."""

    def read(self, dump: Dump, progress: Progress) -> DumpFacts:
        return read_folder(dump, progress) if dump.form is Form.SCRIPTS else read_script(dump, progress)


class MysqlDumpLoader:
    """See `engine.dumps.DumpLoader`."""

    def __init__(self, url: str, *, password: str | None) -> None:
        self._access = Access(url, password=password)
        self._maintenance = Maintenance(self._access, "")

    @contextmanager
    def load(
        self,
        dump: Dump,
        facts: DumpFacts,
        manifest: Callable[[DumpDatabase], Manifest],
        wishes: Wishes,
        progress: Progress,
    ) -> Iterator[Loaded]:
        names = [database.name or UNNAMED for database in facts.databases]
        needed = {role for database in facts.databases for role in database.roles}
        with self._maintenance.session() as connection:
            version = str(rows(connection, "SELECT VERSION()")[0][0])
            server = Server(flavour(connection), parse_version(version))
        with ExitStack() as stack:
            definers = stack.enter_context(foreign_accounts.definers(self._maintenance, needed, names))
            findings = [*foreign_accounts.findings(definers, facts.roles, cluster=facts.cluster)]
            made: list[tuple[LoadedDatabase, _Side]] = []
            for database, name in zip(facts.databases, names, strict=True):
                described = manifest(database)
                findings += self._preflight(described, name, wishes)
                side = _Side(self._access, self._maintenance, name, name)
                stack.enter_context(_lifetime(side, described))
                made.append((LoadedDatabase(database, described, side), side))
            met = Met(definers.refused, throw_away=wishes.throw_away)
            loading = Load(self._access, dump, facts, wishes.jobs, met, progress)
            try:
                with self._access.translated():
                    findings += loading.run()
            except DatabaseError as error:
                raise explained(error, dump, facts, server) from None
            for one, side in made:
                side.filled(one.facts.name, met.events.get(one.facts.name, {}), wishes.jobs)
                side.settle("", wishes)
                side.analyze(wishes.jobs)
            findings += [*left_out(met.left), *locked_out(met.locked), *replaced(met.replaced)]
            findings += zones.findings(met.zones)
            yield Loaded(tuple(one for one, _ in made), tuple(_once(findings)))

    def _preflight(self, manifest: Manifest, name: str, wishes: Wishes) -> list[Finding]:
        """What is known beforehand, of one database."""
        preflight = MysqlRestorer(self._access, name, None).preflight(manifest, wishes)
        if preflight.destination.exists:
            raise not_empty(name)
        errors = [finding for finding in preflight.findings if finding.severity is Severity.ERROR]
        if errors:
            text = "; ".join(f"{f.subject}: expected {f.expected}, found {f.actual}" for f in errors)
            hint = collation_hint(f"{errors[0].id} {text}") or "\n".join(f.hint for f in errors if f.hint)
            raise PreflightError(text, hint=hint, kind=errors[0].id)
        return list(preflight.findings)


class _Side(Fresh):
    """A database that the dump's own statements fill."""

    def filled(self, source: str, events: dict[str, str], jobs: int) -> None:
        self._source, self.events, self._jobs = source, events, jobs


@contextmanager
def _lifetime(side: _Side, manifest: Manifest) -> Iterator[None]:
    """Makes a database and drops it; an error of that never hides one of the block."""
    try:
        try:
            side.create(manifest)
        except RefusedError:
            raise not_empty(side.name) from None
        yield
    except BaseException:
        with suppress(DbopsError):
            side.drop()
        raise
    side.drop()


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Each finding about the server once, however many databases there are."""
    return iter({(f.id, f.subject, f.actual): f for f in findings}.values())
