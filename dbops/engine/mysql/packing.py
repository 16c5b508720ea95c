"""Packs a dump on its way into the store: zstd or gzip, at the level that a plan names."""

from __future__ import annotations

import sys
import zlib
from typing import Protocol, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_GZIP = 31  # zlib's word for gzip's header and trailer around 32 KiB of window
_SLOW_LEVEL = 4


class Packer(Protocol):
    """Takes text in pieces, and gives what is packed so far; `flush` gives the rest."""

    def compress(self, data: bytes, /) -> bytes:
        """What can be written of it already; may be empty."""

    def flush(self) -> bytes:
        """The rest: nothing may come after it."""


class Plain:
    """Leaves text as it is."""

    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def packer(compression: str, *, threads: int) -> Packer:
    """For `zstd:1` to `zstd:19`, `gzip:1` to `gzip:9` or `none`. `threads`: how many a slow level may use beside."""
    method, _, level = compression.partition(":")
    if method == "zstd":
        parameter = zstd.CompressionParameter
        # A checksum of the text: whoever unpacks it by hand learns of damage, too.
        options: dict[int, int] = {parameter.compression_level: int(level), parameter.checksum_flag: 1}
        if threads > 0 and int(level) >= _SLOW_LEVEL:
            options[parameter.nb_workers] = threads
        return cast(Packer, zstd.ZstdCompressor(options=options))
    if method == "gzip":
        return zlib.compressobj(int(level), zlib.DEFLATED, _GZIP)
    return Plain()
