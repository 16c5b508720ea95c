"""Decodes archives of pg_dump to their end, with pg_restore, and fingerprints each table's rows on the way."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from dbops.command import READ_BYTES, Process, run, running
from dbops.engine.base import Content, Reading, TableKey, TableRef
from dbops.engine.postgres.copytext import UNORDERED, Block, RowsDigest, ScriptReader, codec, merge, parse_header
from dbops.engine.postgres.tools import Tools
from dbops.errors import BadBackupError, ToolError
from dbops.language import msg
from dbops.model import Manifest
from dbops.progress import Progress, Silent

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_ENVIRONMENT = {"LC_ALL": "C", "LANGUAGE": "C"}
_DATA_ENTRY = re.compile(r"^(\d+); \d+ (\d+) TABLE DATA ", re.MULTILINE)


class ArchiveText:
    """An archive on its way through pg_restore, which prints its data part as text."""

    def __init__(self, process: Process, encoding: str, unordered: Collection[TableKey], progress: Progress) -> None:
        self._process = process
        self._unordered = unordered
        self._script = ScriptReader(codec=codec(encoding), ordered=self._ordered, on_block=self._done)
        self._progress = progress
        self._reader = threading.Thread(target=self._read, name="decode", daemon=True)
        self._reader.start()

    def write(self, data: bytes) -> None:
        """Feeds the archive to pg_restore. `ToolError` where that has stopped reading."""
        try:
            self._process.stdin.write(data)
        except BrokenPipeError:
            self._process.check()  # says why it stopped reading
            raise

    def finish(self) -> dict[TableKey, Content]:
        """Rows and digest of each table, once the archive is decoded to its end; `ToolError` if it cannot be."""
        self.close()
        self._process.check()
        if not self._script.complete():
            raise ToolError(msg("pg_restore printed a table's rows without their end"), kind="tool-failed")
        return _by_table(self._script.blocks)

    def close(self) -> None:
        """No more is to come. Returns when all was read, so that the pipe is not closed under the reader."""
        if self._process.has_stdin:
            with suppress(BrokenPipeError):  # it has stopped reading: its status says why
                self._process.stdin.close()
        self._reader.join()

    def _ordered(self, header: str) -> bool:
        parsed = parse_header(header)
        return parsed is None or (parsed.schema, parsed.name) not in self._unordered

    def _done(self, block: Block) -> None:
        parsed = parse_header(block.header)
        if parsed is not None:
            self._progress.item(f"{parsed.schema}.{parsed.name}")

    def _read(self) -> None:
        for data in self._process.chunks():
            self._script.feed(data)
            self._progress.advance(len(data))


@contextmanager
def piped(tools: Tools, encoding: str, tables: Sequence[TableRef]) -> Iterator[ArchiveText]:
    """Decodes a custom-format archive from the pieces that are written to it."""
    argv = [tools.program("pg_restore"), "--data-only", "--file=-"]
    with running(argv, env=_ENVIRONMENT, stdin=subprocess.PIPE) as process:
        text = ArchiveText(process, encoding, unordered(tables), Silent())
        try:
            yield text
        finally:
            text.close()


def decode(
    tools: Tools, path: Path, encoding: str, unordered: Collection[TableKey], progress: Progress
) -> dict[TableKey, Content]:
    """Decodes a local archive of either format to its end; `BadBackupError` with pg_restore's words if it cannot."""
    argv = [tools.program("pg_restore"), "--data-only", "--file=-", str(path)]
    with running(argv, env=_ENVIRONMENT) as process:
        try:
            return ArchiveText(process, encoding, unordered, progress).finish()
        except ToolError as error:
            raise BadBackupError(
                msg("{path} cannot be decoded to its end: {message}", path=path.name, message=error.message),
                hint=error.hint,
                kind="archive-undecodable",
            ) from None


def of_backup(tools: Tools, manifest: Manifest, path: Path, progress: Progress) -> dict[TableKey, Content]:
    """What a backup's archive holds of each table, with digests of the manifest's own kinds; see `decode`."""
    summed = {(t.schema, t.name) for t in manifest.inventory.tables if t.digest.startswith(UNORDERED)}
    return decode(tools, path, manifest.engine.encoding, summed, progress)


def lines(tools: Tools, path: Path, encoding: str, table: TableRef) -> Iterator[bytes]:
    """The rows of one table as they stand in a local archive, in pieces of text of any length, one line a row."""
    argv = [tools.program("pg_restore"), "--data-only", "--file=-"]
    if table.reading is Reading.ORDERED:  # else the entries bear the names of partitions
        argv += [f"--schema={table.schema}", f"--table={table.name}"]
    pieces: list[bytes] = []

    def wanted(header: str) -> Callable[[bytes], None] | None:
        parsed = parse_header(header)
        return pieces.append if parsed and (parsed.schema, parsed.name) == (table.schema, table.name) else None

    script = ScriptReader(codec=codec(encoding), on_text=wanted)
    with running([*argv, str(path)], env=_ENVIRONMENT) as process:
        for data in process.chunks():
            script.feed(data)
            yield from pieces
            pieces.clear()
        process.check()


def unordered(tables: Sequence[TableRef]) -> set[TableKey]:
    """The tables whose rows are summed, not digested in order."""
    return {(t.schema, t.name) for t in tables if t.reading is Reading.UNORDERED}


def file_entries(tools: Tools, folder: Path) -> dict[str, int]:
    """Of a directory-format archive with its table of contents: number of a data file -> OID of its table. `ToolError`
    if pg_restore cannot read it."""
    result = run([tools.program("pg_restore"), "--list", str(folder)], env=_ENVIRONMENT)
    if result.status != 0:
        raise ToolError(msg("pg_restore cannot read the table of contents"), hint=result.stderr, kind="tool-failed")
    return {number: int(oid) for number, oid in _DATA_ENTRY.findall(result.stdout)}


def decode_file(path: Path, *, ordered: bool) -> Content | None:
    """Rows and digest of one data file of a directory-format archive; None where its compression is not ours to read.

    Raises `ToolError` if the file cannot be decompressed to its end or has no end of rows.
    """
    rows = RowsDigest(ordered=ordered)
    try:
        with _opened(path) as stream:
            if stream is None:
                return None
            done = False
            while data := stream.read(READ_BYTES):
                done = done or rows.feed(data)
    except (OSError, EOFError, zlib.error, zstd.ZstdError) as error:
        raise ToolError(
            msg("{path} cannot be decoded: {error}", path=path.name, error=error), kind="tool-failed"
        ) from None
    if not done:
        raise ToolError(msg("{path} has no end of rows", path=path.name), kind="tool-failed")
    return Content(rows.rows, rows.digest)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes] | None]:
    if path.suffix == ".gz":
        with gzip.open(path, "rb") as stream:
            yield cast(IO[bytes], stream)
    elif path.suffix == ".zst":
        with zstd.open(path, "rb") as compressed:
            yield cast(IO[bytes], compressed)
    elif path.suffix == ".dat":
        with path.open("rb") as plain:
            yield plain
    else:
        yield None


def _by_table(blocks: Sequence[Block]) -> dict[TableKey, Content]:
    """Blocks of one table are put together: partitions that are loaded through their root come under its name."""
    found: dict[TableKey, Content] = {}
    for block in blocks:
        header = parse_header(block.header)
        if header is None:
            continue
        key = (header.schema, header.name)
        before = found.get(key)
        rows = block.rows + (before.rows if before else 0)
        found[key] = Content(rows, merge(before.digest, block.digest) if before else block.digest)
    return found
