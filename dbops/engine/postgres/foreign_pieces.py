"""The parts that the script of a dump is read in, and the marks by which they are told apart. Pure."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

COPY = re.compile(rb"COPY\s.*\sFROM\s+stdin\b[^;]*;$", re.IGNORECASE | re.DOTALL)
BACKSLASHES = re.compile(rb"SET\s+standard_conforming_strings\s*(?:=|TO)\s*'?(on|off)", re.IGNORECASE)
SPACE = re.compile(rb"[ \t\r\n\f\v]*")
# A run of what is neither the end of a statement nor the beginning of something that may hold its end.
PLAIN = re.compile(rb"(?:[^'\"$;\\/-]++|(?<![eE])'[^']*+'|-(?!-)|/(?!\*))*+")
PLAIN_BACKSLASHES = re.compile(rb"(?:[^'\"$;\\/-]++|-(?!-)|/(?!\*))*+")
IDENTIFIER = re.compile(rb"[A-Za-z0-9_$\x80-\xff]")
TAG = re.compile(rb"\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$")
HALF_TAG = re.compile(rb"\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\Z")
ESCAPE = re.compile(rb"\\.|''|'(?!')", re.DOTALL)
NESTING = re.compile(rb"/\*|\*/")
_NO_ROWS = (b"\\.\n", b"\\.\r\n")
_END_OF_ROWS = (b"\n\\.\n", b"\n\\.\r\n")


class Kind(Enum):
    """What a piece of a script is. `MORE`: a later part of a long one."""

    STATEMENT = "statement"
    MORE = "more"
    ROWS = "rows"
    COMMAND = "command"
    SPACE = "space"
    """Blank lines and comments that no statement follows."""


class Piece(NamedTuple):
    """A part of the script, byte for byte. `line` (from 1) is where its first word stands.

    `text`: a statement without the comments before it, a command without its newline.
    """

    kind: Kind
    data: bytes
    line: int
    text: bytes = b""
    comments: tuple[str, ...] = ()
    """Short ones of one line, that stand before the first word."""


class Mode(Enum):
    """In what the reader stands."""

    PLAIN = 0
    STRING = 1
    ESCAPED = 2
    NAME = 3
    DOLLAR = 4
    LINE = 5
    BLOCK = 6
    COMMAND = 7
    ROWS = 8


def end_of_rows(text: bytes, *, first: bool) -> tuple[int, bool]:
    r"""How much of `text` surely belongs to COPY's rows, and whether that ends with their last line, `\.`.

    `first`: the text begins with the first row. Held back is what may be the beginning of that line, newline included.
    """
    if first and any(len(text) < len(line) and line.startswith(text) for line in _NO_ROWS):
        return 0, False
    if first and text.startswith(_NO_ROWS):
        return text.find(b"\n") + 1, True
    found = min((at for line in _END_OF_ROWS if (at := text.find(line)) >= 0), default=-1)
    if found >= 0:
        return text.find(b"\n", found + 1) + 1, True
    return max(0, len(text) - len(_END_OF_ROWS[1]) + 1), False
