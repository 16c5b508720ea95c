"""The files in a tar archive that may itself be packed, in a stream, and its errors as ours."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple, cast

from dbops.engine.dump_streams import read, unpacked
from dbops.errors import BadBackupError
from dbops.language import msg


class Member(NamedTuple):
    """A regular file in the archive. `file` is read before the next member is asked for."""

    name: str
    file: IO[bytes]


def members(path: Path, packing: tuple[str, ...], identity: Path | None) -> Iterator[Member]:
    """Regular files only: no link, no device. `BadBackupError` where the archive is cut or broken."""
    with unpacked(path, packing, identity) as stream:
        source = cast(IO[bytes], _Source(stream, path))
        try:
            with tarfile.open(fileobj=source, mode="r|") as archive:
                for member in archive:
                    if member.isfile() and (file := archive.extractfile(member)) is not None:
                        yield Member(member.name.removeprefix("./"), file)
        except tarfile.TarError as error:
            hint = msg("it was cut or has changed: use another dump")
            raise BadBackupError(
                msg("{path} is a broken tar: {error}", path=path.name, error=error), hint=hint, kind="archive-truncated"
            ) from None


class _Source:
    """What tarfile reads from."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream = stream
        self._path = path

    def read(self, size: int) -> bytes:
        return read(self._stream, size, self._path)
