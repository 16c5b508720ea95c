"""SQL as statements and words: enough to say what a statement is about, with no claim to understand all of it.

A parser that knows most of a dialect calls the rest opaque, and it is the rest that does harm (`ALTER TABLE … RENAME
col TO …` read as a table's new name). So there is none: quotes, comments and brackets are told apart exactly, the
leading words of a statement are looked up, and what is not known is called unknown (docs/decisions/019-sql-lint.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

MYSQL_FAMILY = ("mysql", "mariadb")


class Kind(Enum):
    """What a token is."""

    WORD = auto()
    NAME = auto()
    """A quoted identifier; its text is without the quotes."""
    TEXT = auto()
    """A literal; its text is what it stands for, as far as that is needed."""
    NUMBER = auto()
    SIGN = auto()


class Token(NamedTuple):
    """`text` of a word is upper case. `start`, `end`: where it is in the script."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def named(self) -> str:
        """As an identifier of PostgreSQL: a word that is not quoted is folded to lower case."""
        return self.text.lower() if self.kind is Kind.WORD else self.text


class Statement:
    """One statement. `text` is without comments around and in it; `line` counts from 1, in the script."""

    def __init__(self, tokens: Sequence[Token], text: str, line: int) -> None:
        self.tokens = tuple(tokens)
        self.text = text
        self.line = line

    def __repr__(self) -> str:
        return f"Statement({self.shown!r})"

    @cached_property
    def shown(self) -> str:
        """For people: one line, not too long."""
        flat = " ".join(self.text.split())
        return flat if len(flat) <= 160 else f"{flat[:157]}..."

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Of all tokens the text, literals left out (as `''`), so that a word in a text is no word."""
        return tuple("''" if one.kind is Kind.TEXT else one.text for one in self.tokens)

    @cached_property
    def outer(self) -> tuple[Token, ...]:
        """The tokens outside of all brackets."""
        found, depth = [], 0
        for one in self.tokens:
            if one.kind is Kind.SIGN and one.text in "([":
                depth += 1
            elif one.kind is Kind.SIGN and one.text in ")]":
                depth -= 1
            elif depth == 0:
                found.append(one)
        return tuple(found)

    def starts(self, *words: str) -> bool:
        """Whether it begins with these words."""
        return self.words[: len(words)] == words

    def has(self, *words: str) -> bool:
        """Whether these words follow each other somewhere outside of brackets. A quoted name is no word."""
        row = [one.text if one.kind in (Kind.WORD, Kind.SIGN) else "" for one in self.outer]
        return any(row[place : place + len(words)] == [*words] for place in range(len(row)))

    @property
    def literals(self) -> tuple[str, ...]:
        """What its literals stand for, in their order."""
        return tuple(one.text for one in self.tokens if one.kind is Kind.TEXT)

    @property
    def names(self) -> frozenset[str]:
        """Every identifier and every word, in lower case: what a search for a name may find."""
        kinds = (Kind.WORD, Kind.NAME)
        return frozenset(one.text.lower() for one in self.tokens if one.kind in kinds)


_COMMON = r"""
      (?P<space>\s+)
    | (?P<number>\d[\w.]*)
"""
_POSTGRES = re.compile(
    rf"""
      (?P<comment>--[^\n]*|/\*)
    | (?P<text>[EeBbXxNn]?'(?:[^']|'')*')
    | (?P<dollar>\$(?P<tag>[A-Za-z_\x80-\uffff][\w]*|)\$.*?\$(?P=tag)\$)
    | (?P<name>"(?:[^"]|"")*")
    | (?P<word>[A-Za-z_\x80-\uffff][\w$]*)
    | {_COMMON}
    | (?P<sign>::|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"[Ee]'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_MYSQL = re.compile(
    rf"""
      (?P<comment>--(?=\s|$)[^\n]*|\#[^\n]*|/\*(?!M?!))
    | (?P<open>/\*M?!\d*)
    | (?P<close>\*/)
    | (?P<text>[NnBbXx]?'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
    | (?P<name>`(?:[^`]|``)*`)
    | (?P<word>[A-Za-z_@\x80-\uffff][\w$@]*)
    | {_COMMON}
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BODY = ("FUNCTION", "PROCEDURE", "TRIGGER", "EVENT")
_NOT_BLOCKS = ("IF", "LOOP", "WHILE", "REPEAT")
_NESTED = re.compile(r"/\*|\*/")


def split(sql: str, dialect: str) -> tuple[Statement, ...]:
    """The statements of a script, without empty ones. `dialect`: `postgres`, `mysql`, `mariadb`."""
    mysql = dialect in MYSQL_FAMILY
    found: list[Statement] = []
    tokens: list[Token] = []
    depth = 0
    for token in _tokens(sql, mysql=mysql):
        depth = _depth(tokens, token, depth, mysql=mysql)
        if token.kind is Kind.SIGN and token.text == ";" and depth == 0:
            if tokens:
                found.append(_statement(sql, tokens))
            tokens = []
        else:
            tokens.append(token)
    if tokens:
        found.append(_statement(sql, tokens))
    return tuple(found)


def _statement(sql: str, tokens: list[Token]) -> Statement:
    pieces = [sql[tokens[0].start : tokens[0].end]]
    for before, now in pairwise(tokens):
        between = sql[before.end : now.start]
        lines = between.count("\n")
        pieces.append("\n" * lines if lines else " " if between else "")
        pieces.append(sql[now.start : now.end])
    return Statement(tokens, "".join(pieces), sql.count("\n", 0, tokens[0].start) + 1)


def _depth(before: Sequence[Token], token: Token, depth: int, *, mysql: bool) -> int:
    """How deep in the BEGIN … END of a routine's body: the semicolons in it end no statement."""
    if token.text == "ATOMIC" and [one.text for one in before] == ["BEGIN", "NOT"]:
        return 1  # a body of MariaDB without a routine
    if token.kind is not Kind.WORD or token.text not in ("BEGIN", "CASE", "END", *_NOT_BLOCKS) or not before:
        return depth
    body = before[0].text in ("CREATE", "ALTER") and any(one.text in _BODY for one in before[:8])
    if not body and [one.text for one in before[:3]] != ["BEGIN", "NOT", "ATOMIC"]:
        return depth
    if token.text == "BEGIN":
        return depth + 1
    if token.text in _NOT_BLOCKS:  # `END IF` has closed no block, but was counted as one
        return depth + 1 if mysql and before[-1].text == "END" else depth
    if token.text == "CASE":
        return depth + 1 if depth and before[-1].text != "END" else depth
    return max(0, depth - 1)


def _tokens(sql: str, *, mysql: bool) -> Iterator[Token]:
    form, place = (_MYSQL if mysql else _POSTGRES), 0
    while place < len(sql):
        match = form.match(sql, place)
        assert match is not None  # noqa: S101 - the last alternative takes anything
        if not mysql and (escaped := _ESCAPED.match(sql, place)):
            match = escaped
            yield Token(Kind.TEXT, match[0][2:-1].replace("''", "'"), place, match.end())
            place = match.end()
            continue
        what, text, end = match.lastgroup, match[0], match.end()
        if match["comment"] is not None:
            place = _comment_end(sql, place, nested=not mysql) if text == "/*" else end
            continue
        if token := _token(what or "", text, place, end, tagged=not mysql and match["dollar"] is not None):
            yield token
        place = end


def _token(what: str, text: str, start: int, end: int, *, tagged: bool) -> Token | None:
    if tagged:
        return Token(Kind.TEXT, text[text.index("$", 1) + 1 : text.rindex("$", 0, -1)], start, end)
    match what:
        case "text":
            quote = text[-1]
            return Token(Kind.TEXT, text[text.index(quote) + 1 : -1].replace(quote * 2, quote), start, end)
        case "name":
            return Token(Kind.NAME, text[1:-1].replace(text[0] * 2, text[0]), start, end)
        case "word":
            return Token(Kind.WORD, text.upper(), start, end)
        case "number":
            return Token(Kind.NUMBER, text, start, end)
        case "sign":
            return Token(Kind.SIGN, text, start, end)
    return None  # space, and the marks of a comment that MySQL runs


def _comment_end(sql: str, place: int, *, nested: bool) -> int:
    """Where a comment ends that begins at `place`; those of PostgreSQL nest."""
    depth = 0
    for mark in _NESTED.finditer(sql, place):
        if mark[0] == "/*":
            depth += 1 if nested or not depth else 0
        else:
            depth -= 1
        if not depth:
            return mark.end()
    return len(sql)
