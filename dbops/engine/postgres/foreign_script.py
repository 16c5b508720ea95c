r"""Reads the SQL script of a dump as psql reads it, in pieces: statements, rows, and commands of psql itself.

Only what stands outside of strings, quoted names, dollar quotes, comments and COPY's rows is a statement or a command:
a function's body or a row may hold any text. Memory is flat, whatever a statement's or a row's length. Pure.

What this reader may get wrong, psql itself refuses (see `foreign_psql`): nothing rests on it alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbops.engine.postgres import foreign_pieces as lex
from dbops.engine.postgres.foreign_pieces import Kind, Mode, Piece

__all__ = ["STATEMENT_BYTES", "Kind", "Piece", "Script"]

STATEMENT_BYTES = 1 << 18
"""A longer statement comes in parts: the first as `STATEMENT`, the others as `MORE`."""

_LONGEST_COMMENT = 400
_BITE_BYTES = 1 << 14


class Script:
    """Takes the script in chunks."""

    def __init__(self) -> None:
        self.line = 1
        """Of the next piece's first byte."""
        self._text = b""
        self._at = 0
        self._word = -1
        """Where the statement's first word stands; -1: only blanks and comments so far; -2: its start was given out."""
        self._mode = Mode.PLAIN
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
        if self._mode is Mode.ROWS:
            return "the rows of a table"
        return "a statement" if self._word != -1 or self._mode not in (Mode.PLAIN, Mode.LINE) else ""

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The pieces that are complete. Statements are taken in bites: each piece copies what follows it."""
        start = 0
        while start < len(data):
            end = len(data) if self._mode is Mode.ROWS else start + _BITE_BYTES
            self._text += data[start:end]
            self._scan()
            yield from self._taken()
            start = end

    def finish(self) -> Iterator[Piece]:
        """What is left, as it is: `inside` says whether it was cut."""
        self._last = True
        self._scan()
        if self._text:
            kind = {Mode.ROWS: Kind.ROWS, Mode.COMMAND: Kind.COMMAND}.get(self._mode, Kind.SPACE)
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
            Mode.PLAIN: self._plain,
            Mode.STRING: lambda: self._until(b"'"),
            Mode.NAME: lambda: self._until(b'"'),
            Mode.DOLLAR: lambda: self._until(self._tag),
            Mode.ESCAPED: self._escaped,
            Mode.LINE: self._comment,
            Mode.BLOCK: self._block,
            Mode.COMMAND: self._command,
            Mode.ROWS: self._rows,
        }
        while steps[self._mode]():
            pass
        if self._mode not in (Mode.ROWS, Mode.COMMAND) and len(self._text) > STATEMENT_BYTES:
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
        # At its end, perhaps half of a comment's beginning.
        end = len(text) if self._last else max(self._at, len(text.rstrip(b"-/")))
        if self._word == -1:
            self._at = min(lex.SPACE.match(text, self._at).end(), end)  # type: ignore[union-attr]
            if self._at < end and not text.startswith((b"--", b"/*", b"\\"), self._at):
                self._word = self._at
        pattern = lex.PLAIN_BACKSLASHES if self._backslashes else lex.PLAIN
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
                text[at - 1 : at] in (b"e", b"E") and not lex.IDENTIFIER.match(text[max(at - 2, 0) : at - 1])
            )
            self._enter(Mode.ESCAPED if escaped else Mode.STRING, at, 1)
        elif sign == b'"':
            self._enter(Mode.NAME, at, 1)
        elif sign == b"$":
            return self._dollar(text, at)
        elif sign == b"\\":
            if at:
                self._give(Kind.SPACE if self._word == -1 else Kind.STATEMENT if self._word >= 0 else Kind.MORE, at)
            self._enter(Mode.COMMAND, 0, 1)
        else:
            self._enter(Mode.LINE if sign == b"-" else Mode.BLOCK, at, 2)
            self._depth = 1
        return True

    def _enter(self, mode: Mode, at: int, length: int) -> None:
        self._mode, self._mark, self._at = mode, at, at + length

    def _dollar(self, text: bytes, at: int) -> bool:
        tag = None if at and lex.IDENTIFIER.match(text[at - 1 : at]) else lex.TAG.match(text, at)
        if tag is not None:
            self._tag = tag[0]
            self._enter(Mode.DOLLAR, at, len(tag[0]))
            return True
        if not self._last and lex.HALF_TAG.match(text, at):
            return False
        self._at = at + 1
        return True

    def _until(self, end: bytes) -> bool:
        found = self._text.find(end, self._at)
        if found < 0:
            self._at = max(self._at, len(self._text) - len(end) + 1)
            return False
        self._mode, self._at = Mode.PLAIN, found + len(end)
        return True

    def _escaped(self) -> bool:
        """In a string with backslashes. A quote or backslash at the very end may be half of two."""
        end = len(self._text) - (not self._last)
        while (found := lex.ESCAPE.search(self._text, self._at)) is not None and found.start() < end:
            self._at = found.end()
            if found[0] == b"'":
                self._mode = Mode.PLAIN
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
        self._mode, self._at = Mode.PLAIN, end
        return True

    def _block(self) -> bool:
        while (found := lex.NESTING.search(self._text, self._at)) is not None:
            self._at = found.end()
            self._depth += 1 if found[0] == b"/*" else -1
            if self._depth == 0:
                self._mode = Mode.PLAIN
                return True
        self._at = max(self._at, len(self._text) - 1)
        return False

    def _command(self) -> bool:
        end = self._text.find(b"\n", self._at)
        if end < 0:
            return False
        self._mode, self._at = Mode.PLAIN, end + 1
        self._give(Kind.COMMAND, end + 1)
        return True

    def _end_statement(self) -> None:
        whole = self._word >= 0
        statement = self._text[self._word : self._at] if whole else b""
        if whole and (found := lex.BACKSLASHES.match(statement)):
            self._backslashes = found[1].lower() == b"off"
        rows = whole and lex.COPY.match(statement) is not None
        self._give(Kind.STATEMENT if whole else Kind.MORE, self._at)
        if rows:
            self._mode, self._mark = Mode.ROWS, 0

    def _rows(self) -> bool:
        r"""Gives out rows up to a line `\.`. `_mark` 0: the rest of COPY's own line comes first, 1: the first row."""
        text = self._text
        if self._mark == 0:
            end = text.find(b"\n") + 1
            if end:
                self._give(Kind.SPACE, end)
                self._mark = 1
            return bool(end)
        end, ended = lex.end_of_rows(text, first=self._mark == 1)
        self._mark = 1 if end == 0 and self._mark == 1 else 2
        if ended:
            self._mode = Mode.PLAIN
        if end:
            mark = self._mark
            self._give(Kind.ROWS, end)
            self._mark = mark
        return ended
