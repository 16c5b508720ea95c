"""The side database of a restore: created empty, loaded, settled, read, and swapped in or dropped."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

from dbops.engine.base import Content, Snapshot, TableKey, TableRef
from dbops.engine.mysql import probes, settle, usual
from dbops.engine.mysql import swap as swaps
from dbops.engine.mysql.belongings import read
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.examine import examine
from dbops.engine.mysql.journal import Journal, Phase
from dbops.engine.mysql.load import Load
from dbops.engine.mysql.maintenance import Maintenance, at_database, create_database, drop_database, rows, run
from dbops.engine.mysql.objects import NOT_IN_A_COPY
from dbops.engine.mysql.snapshot import open_quiet
from dbops.engine.mysql.statements import identifier, statement
from dbops.engine.restoring import Probed, Wishes
from dbops.model import Finding, Manifest
from dbops.progress import Progress


class MysqlSide:
    """See `engine.restoring.SideDatabase`."""

    waits_for_swap: frozenset[str] = NOT_IN_A_COPY
    changed = False

    def __init__(self, access: Access, maintenance: Maintenance, live: str, name: str, aside: str = "") -> None:
        """`aside`: the database that will take what is there now, and holds the journal."""
        self.name = name
        self._aside = aside
        self._access = at_database(access, name)
        self._maintenance = maintenance
        self._live = live
        self._source = ""
        self._jobs = 1
        self._at_swap: tuple[str, ...] = ()
        self._loaded: tuple[Finding, ...] = ()
        self.events: dict[str, str] = {}
        """The state that each event had in the source; in the copy all are disabled."""

    # --- its beginning and its end ----------------------------------------------------------------------------------

    def create(self, manifest: Manifest) -> None:
        """Empty, with the source's character set and collation; its journal first, which says that it is ours."""
        encoding, collation = manifest.engine.encoding, manifest.engine.collation
        with self._maintenance.session() as connection:
            Journal(connection, self._aside).create(encoding, collation)
            create_database(connection, self.name, encoding, collation)

    def drop(self) -> None:
        """Harmless once it was swapped in: its tables are not there any more. A swap that could neither be finished nor
        undone keeps both databases, for whoever comes next."""
        with self._maintenance.session() as connection:
            journal = Journal(connection, self._aside)
            found = journal.read()
            if found is not None and found[0] is Phase.SWAPPING:
                return
            drop_database(connection, self.name)
            if found is not None and found[0] is Phase.LOADING:
                drop_database(connection, self._aside)

    # --- filling it -------------------------------------------------------------------------------------------------

    def load(self, manifest: Manifest, archive: Path, wishes: Wishes, progress: Progress) -> list[Finding]:
        self._source = manifest.engine.database
        self._jobs = wishes.jobs
        loaded = Load(self._access, manifest, wishes, progress).run(archive)
        self.events = loaded.events
        self._loaded = loaded.findings
        return list(loaded.findings)

    def other_defaults(self, _: Manifest) -> frozenset[tuple[str, str]]:
        return frozenset()

    def settle(self, database_sql: str, wishes: Wishes) -> None:
        sorted_out = settle.sort_out(database_sql, no_owner=wishes.no_owner)
        settle.settle(self._access, sorted_out.now)
        self._at_swap = tuple(settle.elsewhere(text, self._live) for text in sorted_out.at_swap)

    def analyze(self, jobs: int) -> None:
        with self._access.session() as connection:
            names = [name for (name,) in rows(connection, statement("restore_tables"), {"name": self.name})]

        def work(share: list[str]) -> None:
            with self._access.session() as connection:
                for name in share:
                    run(connection, f"ANALYZE NO_WRITE_TO_BINLOG TABLE {identifier(name)}")

        count = max(1, min(jobs, len(names)))
        with ThreadPoolExecutor(count, thread_name_prefix="analyze") as pool:
            list(pool.map(work, [names[start::count] for start in range(count)]))

    # --- reading it -------------------------------------------------------------------------------------------------

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        return open_quiet(self._access, self._jobs, names=(self._source, self._live))

    def probe(self, manifest: Manifest) -> list[Finding]:
        with self._access.session() as connection:
            waits = "event_status" in self.waits_for_swap
            return probes.probe(connection, manifest, events_wait=waits, loaded=self._loaded)

    def examine(self, manifest: Manifest, jobs: int, progress: Progress) -> Probed:
        return examine(self._access, manifest, jobs, progress, self._loaded)

    def value(self, query: str, timeout: float) -> object:
        return usual.value(self._access, query, timeout)

    def key_columns(self, table: TableRef) -> tuple[str, ...]:
        with self._access.session() as connection:
            found = rows(connection, statement("restore_key"), {"database": self.name, "table": table.name})
            return tuple(name for (name,) in found)

    def archive_contents(self, manifest: Manifest, archive: Path, progress: Progress) -> dict[TableKey, Content]:
        from dbops.engine.mysql import archive as archives

        return archives.of_backup(manifest, archive, progress)

    def archive_lines(self, manifest: Manifest, archive: Path, table: TableRef) -> Iterator[bytes]:
        from dbops.engine.mysql import archive as archives

        return archives.lines(manifest, archive, table)

    # --- putting it in place ----------------------------------------------------------------------------------------

    def swap(self, moment: str, *, end_sessions: bool) -> str:  # noqa: ARG002 - its journal has the moment already
        with self._maintenance.session() as connection, self._access.translated():
            after = read(connection, self.name).with_states(self.events)
            swap = swaps.plan(connection, self._live, self.name, self._aside, after, self._at_swap)
            swaps.perform(self._maintenance, Journal(connection, self._aside), swap, end_sessions=end_sessions)
            drop_database(connection, self.name)
            if swap.before is None:
                drop_database(connection, self._aside)
                return ""
        return self._aside
