"""The load of somebody else's dump into databases that are there and empty: a script from its first statement to its
last in one session, as its own client would; the rows of a folder in as many sessions as there are jobs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pymysql

from dbops.engine.dump_streams import chunks
from dbops.engine.dumps import Dump, DumpFacts, Form
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.foreign_facts import BOM, about
from dbops.engine.mysql.foreign_folder import Part, Role, metadata, parts, statements
from dbops.engine.mysql.foreign_folder_facts import real_names
from dbops.engine.mysql.foreign_play import UNNAMED, Met, Player
from dbops.engine.mysql.foreign_statements import SYSTEM, Left
from dbops.engine.mysql.foreign_verdicts import rows_differ
from dbops.engine.mysql.load_worker import Failure
from dbops.engine.mysql.maintenance import at_database, rows
from dbops.engine.mysql.script import Script
from dbops.engine.mysql.statements import identifier
from dbops.errors import DatabaseError
from dbops.model import Finding
from dbops.progress import Progress


class Load:
    """One load of one dump."""

    def __init__(self, access: Access, dump: Dump, facts: DumpFacts, jobs: int, met: Met, progress: Progress) -> None:
        self._access = access
        self._dump = dump
        self._facts = facts
        self._jobs = jobs
        self._met = met
        self._progress = progress
        self._names = frozenset(database.name for database in facts.databases)
        self._failure = Failure()

    def run(self) -> list[Finding]:
        """Raises `DatabaseError` at the first error, and an error of the driver where the connection is lost."""
        self._progress.phase("load", total_bytes=self._facts.size)
        if self._dump.form is Form.SCRIPTS:
            return self._folder()
        self._script()
        return []

    @contextmanager
    def _player(self, database: str) -> Iterator[Player]:
        unnamed = "" in self._names
        with at_database(self._access, database or UNNAMED).session() as connection:
            yield Player(connection, self._met, self._names, here=database, unnamed=unnamed)

    # --- a script -----------------------------------------------------------------------------------------------------

    def _script(self) -> None:
        name = self._dump.path.name
        first = self._facts.databases[0].name if self._single() else ""
        script, begun = Script(), False
        with self._player(first) if self._single() else self._nowhere() as player, about(name):
            for data in chunks(self._dump.path, self._dump.packing, self._dump.identity):
                for statement in script.feed(data if begun else data.removeprefix(BOM)):
                    player.play(statement, name)
                begun = True
                self._progress.advance(len(data))
            for statement in script.finish():
                player.play(statement, name)

    def _single(self) -> bool:
        """Whether the dump is of one database, and never says USE."""
        return len(self._facts.databases) == 1 and not self._facts.databases[0].created

    @contextmanager
    def _nowhere(self) -> Iterator[Player]:
        with self._access.session("") as connection:
            yield Player(connection, self._met, self._names, here="", unnamed=False)

    # --- a folder -----------------------------------------------------------------------------------------------------

    def _folder(self) -> list[Finding]:
        found = parts(self._dump.path)
        names = real_names(found, self._dump)
        for role in Role:
            of_role = [part for part in found if part.role is role and names[part.database] not in SYSTEM]
            if role in (Role.TABLE, Role.VIEW):
                self._in_turn(of_role, names)
            elif role is Role.ROWS:
                self._at_once(of_role, names)
            else:
                for part in of_role:
                    self._part(part, names[part.database])
        self._left_out(found, names)
        return self._count(names)

    def _part(self, part: Part, database: str) -> None:
        self._failure.check()
        if part.role is Role.ROWS:
            self._progress.item(part.table)
        with self._player(database) as player, about(part.path.name):
            for statement in statements(part, self._dump.identity, self._progress.advance):
                self._failure.check()
                player.play(statement, part.path.name)

    def _in_turn(self, found: list[Part], names: dict[str, str]) -> None:
        """Tables and views may need one another (a sequence, a view of a view): those that fail are tried again, as
        long as that helps."""
        while found:
            failed: list[tuple[Part, DatabaseError]] = []
            for part in found:
                try:
                    self._part(part, names[part.database])
                except DatabaseError as error:
                    if error.kind != "load-failed":
                        raise
                    failed.append((part, error))
            if len(failed) == len(found):
                raise failed[0][1]
            found = [part for part, _ in failed]

    def _at_once(self, found: list[Part], names: dict[str, str]) -> None:
        """Rows of tables, in as many sessions as there are jobs; the first error ends all."""

        def work(part: Part) -> None:
            try:
                self._part(part, names[part.database])
            except BaseException as error:
                self._failure.set(error)
                raise

        with ThreadPoolExecutor(max(1, self._jobs), thread_name_prefix="load") as pool:
            futures = [pool.submit(work, part) for part in found]
            try:
                for future in futures:
                    future.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _left_out(self, found: list[Part], names: dict[str, str]) -> None:
        for name in {names[part.database] for part in found} & SYSTEM:
            self._met.left.setdefault(Left.SYSTEM, set()).add(name)

    def _count(self, names: dict[str, str]) -> list[Finding]:
        """Compares rows with what mydumper has counted, where it has."""
        said = metadata(self._dump.path, self._dump.path.name)
        findings = []
        for place, expected in sorted(said.rows.items()):
            database, table = names.get(place[0], place[0]), said.names.get(place, place[1])
            if database in SYSTEM:
                continue
            actual = self._rows_of(database, table)
            if actual != expected:
                findings.append(rows_differ(f"{database}.{table}", expected, actual))
        return findings

    def _rows_of(self, database: str, table: str) -> int | None:
        with self._access.session("") as connection:
            try:
                query = f"SELECT COUNT(*) FROM {identifier(database)}.{identifier(table)}"  # noqa: S608 - quoted
                return int(rows(connection, query)[0][0])
            except pymysql.err.ProgrammingError:
                return None
