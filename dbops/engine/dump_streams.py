"""Dumps that are packed as a whole: gzip, zstd, xz, age. Known by their first bytes, read in a stream to their end."""

from __future__ import annotations

import gzip
import lzma
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, cast

from dbops.errors import BadBackupError, PreflightError
from dbops.keys import age
from dbops.keys.stream import BYTES_HINT, CUT_HINT, Opener, WrongKeyError
from dbops.language import msg
from dbops.store.base import CHUNK

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_MAGIC = {
    "gzip": (b"\x1f\x8b",),
    "zstd": (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16))),
    "xz": (b"\xfd7zXZ\x00",),
    "age": (b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----"),
}
_DEEPEST = 3
_HEAD_BYTES = 1 << 14
_AGE_HINT = msg(
    "give the key file with --identity FILE (and pip install 'dbops[age]'), or decrypt it first: age -d -i KEY"
)


def packing_of(head: bytes) -> str:
    """What these first bytes of a file are packed with, '' if with nothing that is known."""
    return next((name for name, marks in _MAGIC.items() if head.startswith(marks)), "")


def look(path: Path, identity: Path | None = None) -> tuple[tuple[str, ...], bytes]:
    """What a file is packed with, outermost first, and the first bytes of what is inside.

    Raises `BadBackupError` if it cannot be unpacked even so far, `PreflightError` for an age file without its key.
    """
    packing: tuple[str, ...] = ()
    while True:
        with unpacked(path, packing, identity) as stream:
            head = read(stream, _HEAD_BYTES, path)
        name = packing_of(head)
        if not name or len(packing) == _DEEPEST:
            return packing, head
        packing = (*packing, name)


def head_of(stream: IO[bytes], path: Path) -> bytes:
    """The first bytes of what a stream holds, unpacked once if it is packed; '' where it cannot be read."""
    packed = read(stream, _HEAD_BYTES, path)
    name = packing_of(packed)
    if name not in _HEAD_OF:
        return packed
    with suppress(EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError):
        return _HEAD_OF[name](packed)
    return b""


@contextmanager
def unpacked(path: Path, packing: tuple[str, ...], identity: Path | None = None) -> Iterator[IO[bytes]]:
    """The content as a stream; it is read with `read`, which tells how it fails. Memory is flat."""
    layers: list[IO[bytes]] = []
    try:
        stream: IO[bytes] = path.open("rb")
        layers.append(stream)
        for name in packing:
            stream = _layer(name, stream, path, identity)
            layers.append(stream)
        yield stream
    finally:
        for layer in reversed(layers):
            layer.close()


def chunks(path: Path, packing: tuple[str, ...], identity: Path | None = None) -> Iterator[bytes]:
    """The content to its end in pieces of at most `CHUNK`; `BadBackupError` where it cannot be unpacked."""
    with unpacked(path, packing, identity) as stream:
        while data := read(stream, CHUNK, path):
            yield data


def read(stream: IO[bytes], size: int, path: Path) -> bytes:
    """Up to `size` bytes, empty at the end. Raises `BadBackupError`: 'archive-truncated' where the end is missing,
    'archive-corrupt' where the bytes cannot be what was written."""
    try:
        return stream.read(size)
    except EOFError:
        raise BadBackupError(
            msg("{path} ends before its compressed data does", path=path.name), hint=CUT_HINT, kind="archive-truncated"
        ) from None
    except (zlib.error, lzma.LZMAError, zstd.ZstdError, gzip.BadGzipFile) as error:
        raise BadBackupError(
            msg("{path} cannot be unpacked: {error}", path=path.name, error=error),
            hint=BYTES_HINT,
            kind="archive-corrupt",
        ) from None


_HEAD_OF: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: zlib.decompressobj(31).decompress(data, _HEAD_BYTES),
    "zstd": lambda data: zstd.ZstdDecompressor().decompress(data, _HEAD_BYTES),
    "xz": lambda data: lzma.LZMADecompressor().decompress(data, _HEAD_BYTES),
}


def _layer(name: str, stream: IO[bytes], path: Path, identity: Path | None) -> IO[bytes]:
    if name == "gzip":
        return cast(IO[bytes], gzip.GzipFile(fileobj=stream))
    if name == "zstd":
        return cast(IO[bytes], zstd.ZstdFile(stream))
    if name == "xz":
        return cast(IO[bytes], lzma.LZMAFile(stream))
    return _decrypted(stream, path, identity)


def _decrypted(stream: IO[bytes], path: Path, identity: Path | None) -> IO[bytes]:
    """An unlinked temporary file with the decrypted content (`TMPDIR`, 0600): the library has no stream of its own."""
    if identity is None:
        raise PreflightError(msg("{path} is encrypted with age", path=path.name), hint=_AGE_HINT, kind="encrypted")
    try:
        keys = age.identities(identity.read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PreflightError(
            msg("{identity}: no usable key: {reason}", identity=identity, reason=reason),
            hint=_AGE_HINT,
            kind="bad-identity",
        ) from None
    output = cast(IO[bytes], tempfile.TemporaryFile(prefix="dbops-"))  # noqa: SIM115 - closed with the other layers
    try:
        Opener(keys).copy(iter(partial(stream.read, CHUNK), b""), output, path.name)
    except WrongKeyError:
        output.close()
        raise PreflightError(
            msg("{path}: the key does not fit", path=path.name), hint=_AGE_HINT, kind="wrong-identity"
        ) from None
    except OSError as error:
        output.close()
        hint = msg("set TMPDIR to a folder with more room")
        raise PreflightError(
            msg("{path} cannot be decrypted: {error}", path=path.name, error=error), hint=hint, kind="no-room"
        ) from None
    except BaseException:
        output.close()
        raise
    output.seek(0)
    return output
