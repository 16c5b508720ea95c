"""The columns of a table as CREATE TABLE in a dump declares them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from dbops.engine.mysql import latin1
from dbops.engine.mysql.columns import Form, form_of
from dbops.engine.mysql.script_words import unquoted

_TOKEN = re.compile(
    rb"""\s++ | /\*M?![0-9]*+ | \*/ | /\*.*?\*/
      | (?P<name>`(?:[^`]|``)*+`) | (?P<string>'(?:[^'\\]|\\.|'')*+'|"(?:[^"\\]|\\.|"")*+")
      | (?P<word>[A-Za-z_\x80-\xff][A-Za-z_\x80-\xff@$0-9]*+) | (?P<number>[0-9]++) | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_NO_COLUMN = frozenset(
    b"PRIMARY UNIQUE KEY INDEX FULLTEXT SPATIAL VECTOR CONSTRAINT FOREIGN CHECK PERIOD LIKE EXCLUDE".split()
)
_BYTES_OF = {"utf8mb4": 4, "utf8mb3": 3, "utf8": 3, "ascii": 1, "binary": 1, latin1.NAME: 1}
"""The most bytes of a character, for the character sets whose text a dump in utf8mb4 holds byte for byte, or of which
it can be turned back."""
_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"})
_SYNONYMS = {
    "integer": "int",
    "numeric": "decimal",
    "dec": "decimal",
    "real": "double",
    "bool": "tinyint",
    "boolean": "tinyint",
    "geomcollection": "geometrycollection",
}


class Column(NamedTuple):
    """A column. `charset`: in lower case, empty if it holds no text or if neither column nor table names one."""

    name: str
    data_type: str
    charset: str = ""
    length: int = 0
    virtual: bool = False
    stored: bool = False
    """Computed by the server and kept; MySQL's dumps leave it out, MariaDB's have it."""
    period: bool = False

    @property
    def form(self) -> Form | None:
        """How a value stands in the digest of rows; None where the text of a dump does not tell it: FLOAT prints short,
        and text of most other character sets does not come back as it is stored."""
        width = 1
        if self.data_type in _TEXTS:
            width = _BYTES_OF.get(self.charset, 0)
            if not width:
                return None
        form = form_of(self.data_type, self.length * width)
        return None if form is Form.FLOAT else form

    @property
    def text(self) -> bool:
        """Whether a value is text, a number or a date, not bytes."""
        if self.data_type in _TEXTS or self.data_type == "float":
            return True
        return self.form in (Form.PLAIN, Form.PRINTED, Form.DOCUMENT)


class Table(NamedTuple):
    """What CREATE TABLE says. `versioned`: it keeps its history (MariaDB)."""

    columns: tuple[Column, ...]
    versioned: bool = False


def declared(text: bytes, default_charset: str = "") -> Table:
    """Reads CREATE TABLE. `default_charset`: the database's, for a table that names none. No columns where there is no
    list of them (CREATE TABLE … LIKE)."""
    tokens = [match for match in _TOKEN.finditer(text) if match.lastgroup]
    items, rest = _items(tokens)
    words = [token[0].upper() for token in rest]
    charset = _charset(words) or default_charset.lower()
    columns = [_column(item, charset) for item in items if _is_column(item)]
    versioned = b"SYSTEM" in words and b"VERSIONING" in words
    return Table(tuple(columns), versioned)


def by_name(table: Table) -> Mapping[str, Column]:
    """Column names are compared without case, as the server does."""
    return {column.name.lower(): column for column in table.columns}


def _items(tokens: list[re.Match[bytes]]) -> tuple[list[list[re.Match[bytes]]], list[re.Match[bytes]]]:
    """What stands between the commas of the first parentheses, and what follows them."""
    items: list[list[re.Match[bytes]]] = [[]]
    depth = 0
    for place, token in enumerate(tokens):
        mark = token["mark"]
        if mark == b"(":
            depth += 1
            if depth == 1:
                continue
        elif mark == b")":
            depth -= 1
            if depth == 0:
                return items, tokens[place + 1 :]
        if depth == 1 and mark == b",":
            items.append([])
        elif depth:
            items[-1].append(token)
    return [], tokens


def _is_column(item: list[re.Match[bytes]]) -> bool:
    if len(item) < 2:
        return False
    return item[0].lastgroup == "name" or (item[0].lastgroup == "word" and item[0][0].upper() not in _NO_COLUMN)


def _column(item: list[re.Match[bytes]], default: str) -> Column:
    name, data_type = unquoted(item[0][0]), item[1][0].decode("ascii", "replace").lower()
    data_type = _SYNONYMS.get(data_type, data_type)
    length, at = 0, 2
    if len(item) > 3 and item[2][0] == b"(":
        length = int(item[3][0]) if item[3].lastgroup == "number" else 0
        while at < len(item) and item[at][0] != b")":
            at += 1
        at += 1
    elif data_type in ("char", "binary"):
        length = 1
    words = [token[0].upper() for token in _outside(item[at:])]
    generated = b"AS" in words
    period = generated and b"ROW" in words and (b"START" in words or b"END" in words)
    stored = generated and not period and (b"STORED" in words or b"PERSISTENT" in words)
    charset = (_charset(words) or default) if data_type in _TEXTS else ""
    return Column(name, data_type, charset, length, generated and not stored and not period, stored, period)


def _outside(item: list[re.Match[bytes]]) -> list[re.Match[bytes]]:
    """The words of a definition that stand in no parentheses, no quotes and no comment."""
    depth, words = 0, []
    for token in item:
        if token[0] == b"(":
            depth += 1
        elif token[0] == b")":
            depth -= 1
        elif depth == 0 and token.lastgroup in ("word", "mark"):
            words.append(token)
    return words


def _charset(words: list[bytes]) -> str:
    """Named itself, or by a collation, whose name begins with its character set's."""
    for place, word in enumerate(words):
        after = [w for w in words[place + 1 : place + 4] if w != b"="]
        if word in (b"CHARSET", b"CHARACTER") and after:
            named = after[1] if after[0] == b"SET" and len(after) > 1 else after[0]
            return named.decode("ascii", "replace").lower()
    for place, word in enumerate(words):
        after = [w for w in words[place + 1 : place + 3] if w != b"="]
        if word == b"COLLATE" and after:
            return after[0].decode("ascii", "replace").lower().partition("_")[0]
    return ""
