"""Reads the dump programs of a moment into an output: packed, counted, and looked at to their very end."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from dbops.command import Process
from dbops.engine.base import Content, DumpOutput, DumpPlan, TableKey
from dbops.engine.mysql.archive import Contents
from dbops.engine.mysql.broken import of_program
from dbops.engine.mysql.census import Census
from dbops.engine.mysql.changes import tables_change
from dbops.engine.mysql.declared import Table
from dbops.engine.mysql.dumping import DumpingSnapshot
from dbops.engine.mysql.launch import Run
from dbops.engine.mysql.packing import packer
from dbops.engine.mysql.plan import HISTORY, SQL, Part, suffix
from dbops.errors import BadBackupError, DatabaseError, DbopsError, StoreFullError, ToolError
from dbops.language import joined, msg
from dbops.progress import Progress

TRAILER = b"-- Dump completed"
_TAIL_BYTES = 256
_CHATTER = re.compile(r"^(-- |(mysqldump|mariadb-dump): \[Warning\]|WARNING: |Warning: )")
_CHANGED = re.compile(r"\b1412\b|definition has changed|\b1146\b|doesn't exist|Unknown table")


class Dump:
    """One dump in a moment into an output. `level` is the inventory's: how closely the text is read on its way."""

    def __init__(
        self, plan: DumpPlan, snapshot: DumpingSnapshot, output: DumpOutput, progress: Progress, *, level: str
    ) -> None:
        self._plan = plan
        self._snapshot = snapshot
        self._output = output
        self._progress = progress
        self._level = level
        self._census = {kind: 0 for kind, count in snapshot.census.items() if count}
        self._contents: dict[TableKey, Content] = {}
        self._tables: dict[str, Table] = {}
        self._lock = Lock()

    def run(self, name: str) -> dict[TableKey, Content]:
        """See `engine.base.Engine.dump`. Raises `ToolError` when any of the programs fails, whatever it printed;
        `BadBackupError` when the dump lacks what the database has."""
        ending = suffix(self._plan.compression)
        if self._plan.format == SQL:
            (part,) = self._snapshot.parts
            self._part(part, f"{name}{ending}")
        else:
            self._all_parts([(part, f"{name}/{part.name}{ending}") for part in self._snapshot.parts])
        self._look_for_losses()
        return self._contents

    # --- parts --------------------------------------------------------------------------------------------------------

    def _all_parts(self, named: Sequence[tuple[Part, str]]) -> None:
        """First the tables, by which the rows are read; then one thread for each program that has begun, and one for
        the rest. The first failure ends all."""
        (schema, file), *others = named
        self._part(schema, file)
        lanes = [[(part, file)] for part, file in others if part.rows]
        lanes.append([(part, file) for part, file in others if not part.rows])
        causes: list[BaseException] = []

        def work(lane: Sequence[tuple[Part, str]]) -> None:
            try:
                for part, file in lane:
                    if not causes:
                        self._part(part, file)
            except BaseException as error:
                causes.append(error)  # before what it brings about can be seen
                self._snapshot.end_runs()
                raise

        with ThreadPoolExecutor(len(lanes), thread_name_prefix="dump") as pool:
            for lane in lanes:
                pool.submit(work, lane)
        if causes:
            raise causes[0]

    def _part(self, part: Part, file: str) -> None:
        run = self._snapshot.run_of(part)
        run.tell(self._progress.item)
        census, end, reader = Census(self._census), b"", self._reader()
        pack = packer(self._plan.compression, threads=_spare_threads(self._plan.jobs))
        with self._output.stream(file) as writer:

            def write(data: bytes) -> None:
                if data:
                    writer.write(data)
                    self._progress.advance(len(data))

            for data in run.process.chunks():
                write(pack.compress(data))
                census.feed(data)
                end = (end + data)[-_TAIL_BYTES:] if len(data) < _TAIL_BYTES else data[-_TAIL_BYTES:]
                if reader is not None:
                    reader.feed(data)
            # Before the stream's block ends, which would publish it.
            self._ended_well(run.process, end)
            _took_its_share(run)
            write(pack.flush())
            contents = reader.finish() if reader is not None else {}
        with self._lock:
            if reader is not None and not part.rows:
                self._tables.update(reader.tables)
            self._contents.update(contents)
            for kind, count in census.found.items():
                self._census[kind] += count

    def _reader(self) -> Contents | None:
        """What reads the text on its way; the parts with rows know the tables by the part before them."""
        if self._level == "counts":
            return None
        return Contents(
            digests=self._level == "archive",
            charset=self._snapshot.charset,
            history=HISTORY in self._plan.argv,
            tables=self._tables,
        )

    def _ended_well(self, process: Process, end: bytes) -> None:
        try:
            process.check()
        except ToolError as error:
            raise self._explained(error) from None
        if not end.rstrip(b"\n").rpartition(b"\n")[2].startswith(TRAILER):
            raise ToolError(
                msg(
                    "{process} ended with status 0, but its output lacks the last line ('{trailer}')",
                    process=process.name,
                    trailer=TRAILER.decode(),
                ),
                hint=msg("nothing was published; older backups stay"),
                kind="tool-failed",
            )

    # --- when all have ended ------------------------------------------------------------------------------------------

    def _look_for_losses(self) -> None:
        """What the dump program left out without a word, such as for want of a right."""
        lost = [
            f"{count} {kind} in the source, {self._census[kind]} in the dump"
            for kind, count in self._snapshot.census.items()
            if self._census.get(kind, 0) < count
        ]
        if lost:
            raise BadBackupError(
                msg("the dump does not hold what the database has: {lost}", lost=joined("; ", lost)),
                hint=msg("grant the backup's user the right to see them; nothing was published"),
                kind="dump-incomplete",
            )

    def _explained(self, error: ToolError) -> DbopsError:
        """The program's own words, with what we know of the reason."""
        text = "\n".join(line for line in error.hint.splitlines() if not _CHATTER.match(line)) or error.message
        if (broken := of_program(text)) is not None:
            return broken
        if _CHANGED.search(text):
            return tables_change(text)
        if "No space left on device" in text or re.search(r"\b(1021|1114)\b", text):
            return StoreFullError(text, hint=msg("free space on the database server's disk"), kind="server-full")
        if re.search(r"\b(2006|2013)\b", text):
            return DatabaseError(text, hint=msg("look into the server's log"), kind="connection-lost")
        message = error.message if text == error.message else msg("{message}: {text}", message=error.message, text=text)
        return ToolError(message, hint=msg("nothing was published; older backups stay"), kind=error.kind)


def _took_its_share(run: Run) -> None:
    """What it was told to leave out is told by name: it may have taken one name for another, or met a new table."""
    if run.part.tables and run.tables != len(run.part.tables):
        raise BadBackupError(
            msg(
                "{process} was to dump the rows of {share} tables, and dumped those of {tables}",
                process=run.process.name,
                share=len(run.part.tables),
                tables=run.tables,
            ),
            hint=msg(
                "were tables made or dropped meanwhile? run the backup again, or with jobs = 1; nothing was published"
            ),
            kind="dump-incomplete",
        )


def _spare_threads(jobs: int) -> int:
    return max(0, (os.cpu_count() or 1) - jobs)
