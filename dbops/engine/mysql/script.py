r"""Splits the script of a dump into its statements, as the mysql client does (`add_line` in client/mysql.cc).

For scripts of mysqldump, mariadb-dump and mydumper, in pieces of any length; memory holds one statement. Only what
stands outside of strings, quoted names and comments ends a statement or is a command of the client; the latter is
refused, since nobody but a client would run it.

An INSERT of mysqldump or mariadb-dump ends with the first `;` before a newline: they escape the newlines in strings
(`mysql_real_escape_string_quote` in `dump_table`, client/mysqldump.c, under the sql_mode '' that they set). So these
are not scanned at all. Scripts of anything else, which may hold newlines in strings, are.

Strings are read as of a character set in which no character's second byte is a quote or a backslash: all that dump
programs use by themselves. The multi-byte sets of East Asia that differ (gbk, sjis, big5) are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from dbops.engine.mysql.script_errors import TRAILER, client_command, no_trailer, truncated
from dbops.engine.mysql.script_facts import Facts
from dbops.engine.mysql.script_patterns import INSIDE, ROWS_END, SPACE, body_begins, plain
from dbops.engine.mysql.script_words import CLIENT_WORDS, INSERT_HEAD, Kind, first_word, known
from dbops.errors import BadBackupError
from dbops.language import msg

__all__ = ["Facts", "Kind", "Script", "Statement", "statements"]

_SANDBOX = re.compile(rb"/\*M?!999999\\- [^*\n]*+\*/")
_DELIMITER = re.compile(rb"[;/$|&%^!~@]{1,8}")
_DELIMITER_LINE = re.compile(rb"DELIMITER[ \t]+([^\r\n]*)\r?\n", re.IGNORECASE)
_MODE = re.compile(rb"\bSQL_MODE\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|(@\w+))", re.IGNORECASE)
_LONGEST_COMMAND = 16
_HEAD_BYTES = 1 << 16
"""An INSERT's words before its first row are waited for that long; else it is scanned."""


class Statement(NamedTuple):
    """One statement. `text`: without its delimiter and the comments before it; versioned comments belong to it.

    `name` and `database` are without their quotes. `line` (from 1) is where it begins. `escaped`: the tool that wrote
    it is known to escape newlines in strings.
    """

    kind: Kind
    name: str
    text: bytes
    line: int
    database: str = ""
    escaped: bool = False


class Script:
    """Takes a script in pieces of any length."""

    def __init__(self) -> None:
        self.facts = Facts()
        self.complete = False
        """The last line so far is the one that a dump program writes when all went well."""
        self._text = bytearray()
        self._at = 0
        """Scanned up to here."""
        self._begin = -1
        """Where the statement begins; -1: between statements."""
        self._line = 1
        self._counted = 0
        """`_line` is the line of this place."""
        self._begin_line = 1
        self._quote = b""
        """Of the string or name that `_at` is in; `*` in a comment, a newline in one that ends with its line; `$$`,
        perhaps with a word between the two, in the body of a routine in another language."""
        self._rows = False
        """In an INSERT that ends with the first `;` before a newline."""
        self._delimiter = b";"
        self._plain = plain(b";")
        self._backslashes = True
        self._escaping = False
        self._began = False
        self._last = False
        self._done: list[Statement] = []

    def feed(self, data: bytes) -> list[Statement]:
        """The statements that are complete. `BadBackupError` of kind 'client-command'."""
        self._text += data
        while self._step():
            pass
        keep = self._begin if self._begin >= 0 else self._at
        if keep:
            self._count(keep)
            del self._text[:keep]
            self._at -= keep
            self._counted = 0
            self._begin = min(self._begin, 0)
        done, self._done = self._done, []
        return done

    def finish(self) -> list[Statement]:
        """No more is to come. `BadBackupError` of kind 'archive-truncated' in the midst of a statement."""
        self._last = True
        if self._rows:  # perhaps it ends with the file, and not with a line
            self._rows, self._at = False, self._begin
        done = self.feed(b"")
        if self._begin >= 0:
            self._refuse_words(bytes(self._text[self._begin : self._at]))
            raise truncated(
                msg(
                    "the dump ends in the midst of a statement, which begins in line {begin_line}",
                    begin_line=self._begin_line,
                )
            )
        if self._quote:
            raise truncated(msg("the dump ends in the midst of a comment, in line {line}", line=self._line))
        return done

    # --- the scanner ------------------------------------------------------------------------------------------------

    def _step(self) -> bool:
        """One step on; False where more is needed."""
        if self._quote:
            return self._inside()
        if self._begin < 0:
            return self._between()
        return self._row_lines() if self._rows else self._statement()

    def _between(self) -> bool:
        text = self._text
        self._at = SPACE.match(text, self._at).end()  # type: ignore[union-attr]
        if self._at >= len(text):
            return False
        head = bytes(text[self._at : self._at + _LONGEST_COMMAND])
        if head.startswith((b"--", b"#")):
            return self._comment_line()
        if len(head) < _LONGEST_COMMAND and not self._last and (head[:1] in b"-/" or not head.rstrip()):
            return False
        if head.startswith(b"/*") and not head.startswith((b"/*!", b"/*M!", b"/*+")):
            self.complete, self._quote = False, b"*"
            self._at += 2
            return True
        if head.startswith((b"/*!999999", b"/*M!999999")):
            return self._sandbox()
        if head[:9].lower() == b"delimiter" or (len(head) < _LONGEST_COMMAND and b"delimiter".startswith(head.lower())):
            return self._change_delimiter()
        self.complete = False
        self._begin = self._at
        self._count(self._at)
        self._begin_line = self._line
        self._rows = False
        return True

    def _comment_line(self) -> bool:
        end = self._text.find(b"\n", self._at)
        if end < 0 and not self._last:
            return False
        end = len(self._text) if end < 0 else end
        comment = bytes(self._text[self._at : min(end, self._at + 400)])
        if not self._began:
            known_before, self.facts = self.facts.tool, self.facts.with_comment(comment)
            if self.facts.tool and not known_before:
                self._escaping = not comment.endswith(b"\r")
        self.complete = comment.startswith(TRAILER)
        self._at = end
        return True

    def _sandbox(self) -> bool:
        """MariaDB's first line, which forbids its own client to run commands: of no use here, and no SQL."""
        found = _SANDBOX.match(self._text, self._at)
        if found is None:
            if len(self._text) - self._at < 200 and not self._last:
                return False
            raise self._command(self._at)
        self._at = found.end()
        return True

    def _change_delimiter(self) -> bool:
        end = self._text.find(b"\n", self._at)
        if end < 0:
            if not self._last and len(self._text) - self._at < 200:
                return False
            end = len(self._text) - 1
        found = _DELIMITER_LINE.match(bytes(self._text[self._at : end + 1]) + (b"\n" if self._last else b""))
        chosen = found[1].strip() if found else b""
        if not _DELIMITER.fullmatch(chosen):
            raise self._command(self._at)
        self._delimiter, self._plain, self._at = chosen, plain(chosen), end + 1
        self.complete, self._began = False, True
        return True

    def _statement(self) -> bool:
        text = self._text
        if self._at == self._begin and self._escaping and self._delimiter == b";" and not self._last:
            if text.startswith((b"INSERT ", b"REPLACE "), self._at):
                if found := INSERT_HEAD.match(text, self._at):
                    self._rows, self._at = True, found.end()
                    return True
                if len(text) - self._at < _HEAD_BYTES:
                    return False
            elif len(text) - self._at < _LONGEST_COMMAND:
                return False
        self._at = self._plain[self._backslashes].match(text, self._at).end()  # type: ignore[union-attr]
        if self._at >= len(text):
            return False
        return self._special()

    def _special(self) -> bool:
        """What stands at `_at` ends the statement, or begins what may hold its end."""
        text, at = self._text, self._at
        if text.startswith(self._delimiter, at):
            self._end(at, at + len(self._delimiter))
            return True
        enough = self._last or len(text) - at >= _LONGEST_COMMAND
        sign = bytes(text[at : at + 1])
        if not enough and sign not in b"'\"`\\":
            return False
        if sign in (b"'", b'"', b"`"):
            self._quote, self._at = sign, at + 1
        elif sign == b"\\":
            raise self._command(at)
        elif sign == b"#" or (sign == b"-" and bytes(text[at : at + 3]) in (b"-- ", b"--\t", b"--\n", b"--\r", b"--")):
            self._quote, self._at = b"\n", at + 1
        elif sign == b"$":
            tag = body_begins(text, self._begin, at)
            if tag is None and not self._last:
                return False
            self._quote, self._at = tag or b"", at + len(tag or sign)
        elif text.startswith(b"/*", at) and not text.startswith((b"/*!", b"/*M!", b"/*+"), at):
            self._quote, self._at = b"*", at + 2
        else:
            self._at = at + 1
        return True

    def _inside(self) -> bool:
        text, quote = self._text, self._quote
        if quote.startswith((b"*", b"\n", b"$")):
            mark = b"*/" if quote == b"*" else quote
            end = text.find(mark, self._at)
            if end < 0:
                self._at = max(self._at, len(text) - len(mark) + 1)
                if quote == b"\n" and self._last:
                    self._quote = b""
                return False
            self._quote, self._at = b"", end + len(mark)
            return True
        escapes = self._backslashes and quote != b"`"
        self._at = INSIDE[quote, escapes].match(text, self._at).end()  # type: ignore[union-attr]
        if not text.startswith(quote, self._at):
            return False
        self._quote, self._at = b"", self._at + 1
        return True

    def _row_lines(self) -> bool:
        found = ROWS_END.search(self._text, self._at)
        if found is None:
            self._at = max(self._at, len(self._text) - 1)
            return False
        end = found.start()
        self._end(end, end + 1)
        return True

    def _end(self, end: int, after: int) -> None:
        text = bytes(memoryview(self._text)[self._begin : end])
        if not self._rows:
            text = text.rstrip()
            self._refuse_words(text)
        begun, self._begin, self._at, self._rows = self._rows, -1, after, False
        self._began = True
        if not text:
            return
        what = known(text)
        if what.kind is Kind.SET:
            self._set(text)
        self._done.append(Statement(what.kind, what.name, text, self._begin_line, what.database, begun))

    def _set(self, text: bytes) -> None:
        """Routines are created under their own sql_mode, in which a backslash may be a plain character."""
        for literal, other, saved in _MODE.findall(text[:_HEAD_BYTES]):
            self._backslashes = bool(saved) or b"NO_BACKSLASH_ESCAPES" not in (literal or other).upper()

    # --- for messages -----------------------------------------------------------------------------------------------

    def _count(self, place: int) -> None:
        self._line += self._text.count(b"\n", self._counted, place)
        self._counted = place

    def _refuse_words(self, text: bytes) -> None:
        if first_word(text) in CLIENT_WORDS:
            raise client_command(self._begin_line)

    def _command(self, place: int) -> BadBackupError:
        return client_command(self._line + self._text.count(b"\n", self._counted, place))


def statements(pieces: Iterable[bytes], *, require_trailer: bool = False) -> Iterator[Statement]:
    """The statements of a whole script. `BadBackupError` of kind 'client-command', or of 'archive-truncated' where it
    ends in the midst of a statement or, with `require_trailer`, without the last line of a dump that went well."""
    script = Script()
    for data in pieces:
        yield from script.feed(data)
    yield from script.finish()
    if require_trailer and not script.complete:
        raise no_trailer()
