"""The parts of a multipart upload: how large each is, and where its bytes wait.

S3 takes 10 000 parts, so parts must grow for a large object; memory must not. Parts wait in memory while they fit the
room that all uploads of a store share; beyond about 100 GB (with the default part size), or where several objects are
that large, they wait in an unlinked temporary file (TMPDIR).
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, cast

from dbops.errors import StoreFullError
from dbops.language import msg

MAX_PARTS = 10_000
MAX_PART_BYTES = 5 << 30
MIN_PART_BYTES = 5 << 20
# (up to this part number, times the first part's size): 10 000 parts of 6 MiB and up hold 5.5 TiB.
_GROWTH = ((2_000, 1), (4_000, 2), (7_000, 4), (8_000, 32), (9_000, 128), (MAX_PARTS, 768))


def part_bytes(number: int, first: int) -> int:
    """The size in bytes of part `number` (from 1) when part 1 has `first` bytes. `StoreFullError` past the last."""
    for last, factor in _GROWTH:
        if number <= last:
            return min(first * factor, MAX_PART_BYTES)
    raise StoreFullError(
        msg("an S3 upload cannot have more than {max_parts} parts", max_parts=MAX_PARTS),
        hint=msg("back up in the directory format (jobs > 1)"),
    )


class Room:
    """Memory (bytes) for the parts of all uploads that go on at once, so that many of them take little more than one.

    What a part had is used for the next: malloc would keep such large pieces in an arena of each thread that asks.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._held: set[MemoryPart] = set()
        self._spare: list[bytearray] = []
        self._lock = threading.Lock()

    def part(self, size: int, *, anyhow: bool) -> MemoryPart | None:
        """An empty part if there is room for it, or `anyhow`."""
        with self._lock:
            if not anyhow and sum(part.size for part in self._held) + size > self.total:
                return None
            while self._spare and len(self._spare[-1]) != size:
                self._spare.pop()
            part = MemoryPart(self._spare.pop() if self._spare else bytearray(size), self)
            self._held.add(part)
            return part

    def free(self, part: MemoryPart, data: bytearray) -> None:
        """Takes back what a part held. Of several calls for one part the first counts."""
        with self._lock:
            if part not in self._held:
                return
            self._held.remove(part)
            missing = part.size - len(data)
            # CPython gives memory of a bytearray back where more than half was cut off.
            if missing <= part.size // 2:
                data.extend(bytes(missing))
                self._spare.append(data)


class MemoryPart:
    """A part that waits in memory. Its digest is computed when asked for, in the thread that sends it."""

    def __init__(self, data: bytearray, room: Room) -> None:
        self.size = len(data)
        self.filled = 0
        self._room = room
        self._data = data

    def add(self, data: memoryview) -> None:
        """Takes bytes that still fit."""
        self._data[self.filled : self.filled + len(data)] = data
        self.filled += len(data)

    def body(self) -> bytearray:
        """Its bytes; none can be added afterwards."""
        del self._data[self.filled :]
        return self._data

    def digest(self) -> bytes:
        """SHA-256 of what it holds."""
        return hashlib.sha256(memoryview(self._data)[: self.filled]).digest()

    def stop(self) -> None:
        """Whoever sends it is to end soon, as it does by itself."""

    def close(self) -> None:
        """Gives its memory back. Not before whoever sends it is done: another part may be filled with it."""
        data, self._data = self._data, bytearray()
        self._room.free(self, data)


class FilePart:
    """A part too large for memory: it waits in a temporary file that has no name."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.filled = 0
        self._sha256 = hashlib.sha256()
        with self._translated():
            self._file = cast(IO[bytes], tempfile.TemporaryFile(prefix="dbops-part-", buffering=0))  # noqa: SIM115

    def add(self, data: memoryview) -> None:
        """Takes bytes; `StoreFullError` where the temporary folder has no room left."""
        with self._translated():
            rest = data
            while rest:
                rest = rest[self._file.write(rest) :]
        self._sha256.update(data)
        self.filled += len(data)

    def body(self) -> IO[bytes]:
        """From its beginning."""
        self._file.seek(0)
        return self._file

    def digest(self) -> bytes:
        """SHA-256 of what it holds."""
        return self._sha256.digest()

    def stop(self) -> None:
        """Whoever sends it is to end soon: by an error, since it is large."""
        self.close()

    def close(self) -> None:
        """Removes the file."""
        with suppress(OSError):  # what could not be flushed is thrown away anyhow
            self._file.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreFullError(
                msg(
                    "a part of {size:,} bytes must wait in {gettempdir} for its upload: {reason}",
                    size=self.size,
                    gettempdir=tempfile.gettempdir(),
                    reason=error.strerror,
                ),
                hint=msg("make room there, or set TMPDIR to a file system with twice that space"),
            ) from error


Part = MemoryPart | FilePart


def base64_text(digest: bytes) -> str:
    """A digest as S3 headers carry it."""
    return base64.b64encode(digest).decode("ascii")
