"""How a session reads text: UTF-8, but for strings of other character sets that stand bare in a definition.

`SELECT _latin1'…'` in a view is printed with the string's own bytes, whatever the character set of the session
(MySQL 9.7, MariaDB 10.11 and 11.8). They are spelled in hexadecimal, which is text everywhere, says the same to a
server, and is printed again as the bytes that it stands for.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

ENCODING = "dbops_definitions"
"""The name of this codec, for `Connection.encoding` of the driver."""

_INTRODUCED = re.compile(rb"(\b_[a-z][a-z0-9]*)\s*'((?:[^'\\]|\\.|'')*)'", re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)|''", re.DOTALL)
_MEANT = {b"0": b"\0", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"Z": b"\x1a"}


def spelled(data: bytes) -> str:
    """The text; bytes that are none even so are shown as Python shows them, rather than ending what reads them."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _INTRODUCED.sub(_hexadecimal, data).decode(errors="backslashreplace")


def _hexadecimal(found: re.Match[bytes]) -> bytes:
    try:
        found[2].decode()
    except UnicodeDecodeError:
        meant = _ESCAPED.sub(lambda one: _MEANT.get(one[1], one[1]) if one[1] else b"'", found[2])
        return found[1] + b" X'" + meant.hex().upper().encode() + b"'"
    return found[0]


def _decode(data: Buffer, _errors: str = "strict", /) -> tuple[str, int]:
    text = bytes(data)
    return spelled(text), len(text)


def _encode(text: str, _errors: str = "strict", /) -> tuple[bytes, int]:
    return codecs.utf_8_encode(text, "surrogateescape")  # statements of a dump: bytes go as they came


def _find(name: str) -> codecs.CodecInfo | None:
    return codecs.CodecInfo(_encode, _decode, name=ENCODING) if name == ENCODING else None


codecs.register(_find)
