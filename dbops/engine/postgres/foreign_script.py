r"""Reads the SQL script of a dump as psql reads it, in pieces: statements, rows, and commands of psql itself.

Only what stands outside of strings, quoted names, dollar quotes, comments and COPY's rows is a statement or a command:
a function's body or a row may hold any text. Memory is flat, whatever a statement's or a row's length. Pure.

What this reader may get wrong, psql itself refuses (see `foreign_psql`): nothing rests on it alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

STATEMENT_BYTES = 1 << 18
"""A longer statement comes in parts: the first as `STATEMENT`, the others as `MORE`."""

_COPY = re.compile(rb"COPY\s.*\sFROM\s+stdin\b[^;]*;$", re.IGNORECASE | re.DOTALL)
_BACKSLASHES = re.compile(rb"SET\s+standard_conforming_strings\s*(?:=|TO)\s*'?(on|off)", re.IGNORECASE)
_SPACE = re.compile(rb"[ \t\r\n\f\v]*")
# A run of what is neither the end of a statement nor the beginning of something that may hold its end.
_PLAIN = re.compile(rb"(?:[^'\"$;\\/-]++|(?<![eE])'[^']*+'|-(?!-)|/(?!\*))*+")
_PLAIN_BACKSLASHES = re.compile(rb"(?:[^'\"$;\\/-]++|-(?!-)|/(?!\*))*+")
_IDENTIFIER = re.compile(rb"[A-Za-z0-9_$\x80-\xff]")
_TAG = re.compile(rb"\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$")
_HALF_TAG = re.compile(rb"\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\Z")
_ESCAPE = re.compile(rb"\\.|''|'(?!')", re.DOTALL)
_NESTING = re.compile(rb"/\*|\*/")
_LONGEST_COMMENT = 400
_BITE_BYTES = 1 << 14
_NO_ROWS = (b"\\.\n", b"\\.\r\n")
_END_OF_ROWS = (b"\n\\.\n", b"\n\\.\r\n")


class Kind(Enum):
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


class _Mode(Enum):
    PLAIN = 0
    STRING = 1
    ESCAPED = 2
    NAME = 3
    DOLLAR = 4
    LINE = 5
    BLOCK = 6
    COMMAND = 7
    ROWS = 8


class Script:
    """Takes the script in chunks."""

    def __init__(self) -> None:
        self.line = 1
        """Of the next piece's first byte."""
        self._text = b""
        self._at = 0
        self._word = -1
        """Where the statement's first word stands; -1: only blanks and comments so far; -2: its start was given out."""
        self._mode = _Mode.PLAIN
        self._mark = 0
        self._tag = b""
        self._depth = 0
        self._backslashes = False
        self._last = False
        self._pieces: list[Piece] = []
        self._comments: list[str] = []

    @property
    def inside(self) -> str:
        """In what the script stands: '' between statements."""
        if self._mode is _Mode.ROWS:
            return "the rows of a table"
        return "a statement" if self._word != -1 or self._mode not in (_Mode.PLAIN, _Mode.LINE) else ""

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The pieces that are complete. Statements are taken in bites: each piece copies what follows it."""
        start = 0
        while start < len(data):
            end = len(data) if self._mode is _Mode.ROWS else start + _BITE_BYTES
            self._text += data[start:end]
            self._scan()
            yield from self._taken()
            start = end

    def finish(self) -> Iterator[Piece]:
        """What is left, as it is: `inside` says whether it was cut."""
        self._last = True
        self._scan()
        if self._text:
            kind = {_Mode.ROWS: Kind.ROWS, _Mode.COMMAND: Kind.COMMAND}.get(self._mode, Kind.SPACE)
            if kind is Kind.SPACE and self._word != -1:
                kind = Kind.STATEMENT if self._word >= 0 else Kind.MORE
            inside = self._word
            self._give(kind, len(self._text))
            self._word = inside
        yield from self._taken()

    # --- the scanner ------------------------------------------------------------------------------------------------

    def _taken(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return pieces

    def _scan(self) -> None:
        steps = {
            _Mode.PLAIN: self._plain,
            _Mode.STRING: lambda: self._until(b"'"),
            _Mode.NAME: lambda: self._until(b'"'),
            _Mode.DOLLAR: lambda: self._until(self._tag),
            _Mode.ESCAPED: self._escaped,
            _Mode.LINE: self._comment,
            _Mode.BLOCK: self._block,
            _Mode.COMMAND: self._command,
            _Mode.ROWS: self._rows,
        }
        while steps[self._mode]():
            pass
        if self._mode not in (_Mode.ROWS, _Mode.COMMAND) and len(self._text) > STATEMENT_BYTES:
            self._part()

    def _part(self) -> None:
        """Gives out the beginning of something long, so that memory stays flat."""
        end = self._at - 2  # what decides how a quote is read stays
        if end <= 0:
            return
        kind = Kind.SPACE if self._word == -1 else Kind.STATEMENT if self._word >= 0 else Kind.MORE
        begun = self._word
        self._give(kind, end)
        self._word = -1 if begun == -1 else -2

    def _give(self, kind: Kind, end: int) -> None:
        """The text up to `end` is a piece."""
        data, self._text = self._text[:end], self._text[end:]
        start = self._word if kind is Kind.STATEMENT else 0
        text = data.rstrip(b"\r\n") if kind is Kind.COMMAND else data[start:] if kind is Kind.STATEMENT else b""
        line, comments = self.line + data.count(b"\n", 0, start), tuple(self._comments)
        self._pieces.append(Piece(kind, data, line, text, comments))
        self._comments.clear()
        self.line += data.count(b"\n")
        self._at = max(0, self._at - end)
        self._mark = max(0, self._mark - end)
        self._word = -1

    def _plain(self) -> bool:
        """Goes on outside of everything that quotes. True: there is more to scan now."""
        text = self._text
        end = len(text) if self._last else len(text.rstrip(b"-/"))  # half of a comment's beginning, perhaps
        if self._word == -1:
            self._at = min(_SPACE.match(text, self._at).end(), end)  # type: ignore[union-attr]
            if self._at < end and not text.startswith((b"--", b"/*", b"\\"), self._at):
                self._word = self._at
        pattern = _PLAIN_BACKSLASHES if self._backslashes else _PLAIN
        if self._word != -1:
            self._at = pattern.match(text, self._at, end).end()  # type: ignore[union-attr]
        if self._at >= end:
            return False
        return self._special(text, self._at)

    def _special(self, text: bytes, at: int) -> bool:
        """The character at `at` begins something, or ends the statement."""
        sign = text[at : at + 1]
        if sign == b";":
            self._at = at + 1
            self._end_statement()
        elif sign == b"'":
            escaped = self._backslashes or (
                text[at - 1 : at] in (b"e", b"E") and not _IDENTIFIER.match(text[max(at - 2, 0) : at - 1])
            )
            self._enter(_Mode.ESCAPED if escaped else _Mode.STRING, at, 1)
        elif sign == b'"':
            self._enter(_Mode.NAME, at, 1)
        elif sign == b"$":
            return self._dollar(text, at)
        elif sign == b"\\":
            if at:
                self._give(Kind.SPACE if self._word == -1 else Kind.STATEMENT if self._word >= 0 else Kind.MORE, at)
            self._enter(_Mode.COMMAND, 0, 1)
        else:
            self._enter(_Mode.LINE if sign == b"-" else _Mode.BLOCK, at, 2)
            self._depth = 1
        return True

    def _enter(self, mode: _Mode, at: int, length: int) -> None:
        self._mode, self._mark, self._at = mode, at, at + length

    def _dollar(self, text: bytes, at: int) -> bool:
        tag = None if at and _IDENTIFIER.match(text[at - 1 : at]) else _TAG.match(text, at)
        if tag is not None:
            self._tag = tag[0]
            self._enter(_Mode.DOLLAR, at, len(tag[0]))
            return True
        if not self._last and _HALF_TAG.match(text, at):
            return False
        self._at = at + 1
        return True

    def _until(self, end: bytes) -> bool:
        found = self._text.find(end, self._at)
        if found < 0:
            self._at = max(self._at, len(self._text) - len(end) + 1)
            return False
        self._mode, self._at = _Mode.PLAIN, found + len(end)
        return True

    def _escaped(self) -> bool:
        """In a string with backslashes. A quote or backslash at the very end may be half of two."""
        end = len(self._text) - (not self._last)
        while (found := _ESCAPE.search(self._text, self._at)) is not None and found.start() < end:
            self._at = found.end()
            if found[0] == b"'":
                self._mode = _Mode.PLAIN
                return True
        if found is None:
            self._at = max(self._at, len(self._text) - 1)
        return False

    def _comment(self) -> bool:
        end = self._text.find(b"\n", self._at)
        if end < 0:
            self._at = len(self._text)
            return False
        if self._word == -1 and end - self._mark < _LONGEST_COMMENT:
            self._comments.append(self._text[self._mark + 2 : end].decode("utf-8", "replace").strip())
        self._mode, self._at = _Mode.PLAIN, end
        return True

    def _block(self) -> bool:
        while (found := _NESTING.search(self._text, self._at)) is not None:
            self._at = found.end()
            self._depth += 1 if found[0] == b"/*" else -1
            if self._depth == 0:
                self._mode = _Mode.PLAIN
                return True
        self._at = max(self._at, len(self._text) - 1)
        return False

    def _command(self) -> bool:
        end = self._text.find(b"\n", self._at)
        if end < 0:
            return False
        self._mode, self._at = _Mode.PLAIN, end + 1
        self._give(Kind.COMMAND, end + 1)
        return True

    def _end_statement(self) -> None:
        whole = self._word >= 0
        statement = self._text[self._word : self._at] if whole else b""
        if whole and (found := _BACKSLASHES.match(statement)):
            self._backslashes = found[1].lower() == b"off"
        rows = whole and _COPY.match(statement) is not None
        self._give(Kind.STATEMENT if whole else Kind.MORE, self._at)
        if rows:
            self._mode, self._mark = _Mode.ROWS, 0

    def _rows(self) -> bool:
        r"""Gives out rows up to a line `\.`. `_mark` 0: the rest of COPY's own line comes first, 1: the first row."""
        text = self._text
        if self._mark == 0:
            end = text.find(b"\n") + 1
            if end:
                self._give(Kind.SPACE, end)
                self._mark = 1
            return bool(end)
        if self._mark == 1 and any(len(text) < len(line) and line.startswith(text) for line in _NO_ROWS):
            return False
        if self._mark == 1 and text.startswith(_NO_ROWS):
            end = text.find(b"\n") + 1
        else:
            found = min((at for line in _END_OF_ROWS if (at := text.find(line)) >= 0), default=-1)
            end = text.find(b"\n", found + 1) + 1 if found >= 0 else 0
        if end:
            self._mode = _Mode.PLAIN
            self._give(Kind.ROWS, end)
            return True
        # All but what may be the beginning of that line, its newline included.
        if (end := len(text) - len(_END_OF_ROWS[1]) + 1) > 0:
            self._give(Kind.ROWS, end)
        self._mark = 2
        return False
