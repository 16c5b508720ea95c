r"""Rows as text, a line each, in the manner of PostgreSQL's COPY: a tab between values, `\N` for NULL, rest escaped.

What an archive holds and what a table holds are compared by these lines (`inventory.difference`), so both sides make
them here. Text is utf8mb4, numbers and dates are as the server prints them, bytes are `0x` and upper-case HEX, as in a
dump; an empty value of either is empty.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from struct import pack, unpack

NULL = rb"\N"
GENERATED = b"(generated)"
"""Stands for the value of a generated column: not every dump holds it, and it follows from the others."""
_ESCAPES = {b"\\": rb"\\", b"\t": rb"\t", b"\n": rb"\n", b"\r": rb"\r"}
_SPECIAL = re.compile(rb"[\\\t\n\r]")


def line(values: Sequence[bytes | None]) -> bytes:
    """One row with its end of line, of values that `text` or `hexadecimal` gave; None is NULL."""
    return b"\t".join(NULL if value is None else value for value in values) + b"\n"


def text(value: bytes) -> bytes:
    """Text in utf8mb4, a number or a date."""
    return _SPECIAL.sub(lambda match: _ESCAPES[match[0]], value)


def single(value: bytes) -> bytes:
    """The FLOAT that a number is stored as, with all of its digits: six of them, as dumps have, or more."""
    number: float = unpack("<f", pack("<f", float(value)))[0]
    return repr(number + 0.0).encode()  # never -0.0, which no server reads


def double(value: bytes) -> bytes:
    """A DOUBLE as a dump prints it: no server takes its `-0` for minus zero."""
    return value.removeprefix(b"-") if value.startswith(b"-0") and float(value) == 0 else value


def hexadecimal(value: bytes) -> bytes:
    """Bytes that are no text."""
    return b"0x" + value.hex().upper().encode() if value else b""
