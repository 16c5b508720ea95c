"""Text of MySQL's character set `latin1` as a dump in utf8mb4 holds it, turned back into the bytes that are stored.

The products' latin1 is Windows-1252, with the five bytes that Windows leaves undefined standing for themselves (MySQL
manual, 'West European Character Sets'). Each byte has a character of its own, so the way to utf8mb4 and back loses
nothing, and what a dump holds tells what is stored. No other character set is treated so: of those with several bytes
some characters do not come back.
"""

from __future__ import annotations

NAME = "latin1"
_ABSENT = "\uffff"
"""Not in Python's latin-1: what the products' latin1 lacks is refused."""


def _bytes_of() -> dict[int, str]:
    """Character -> the byte that it is stored as, where the two differ or there is none."""
    differing: dict[int, str] = {}
    for byte in range(0x80, 0xA0):
        try:
            character = bytes([byte]).decode("cp1252")
        except UnicodeDecodeError:  # one of the five: it stands for itself
            continue
        differing[byte] = _ABSENT
        differing[ord(character)] = chr(byte)
    return differing


_BYTES_OF = _bytes_of()


def stored(text: bytes | None) -> bytes | None:
    """The bytes of a value (None: NULL). `UnicodeError` where it is no text of this character set."""
    if text is None or text.isascii():
        return text
    return text.decode("utf-8").translate(_BYTES_OF).encode("latin-1")
