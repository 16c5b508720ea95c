"""Reads the definitions that the server prints (SHOW CREATE …, and what a dump made of them), as far as a restore must.

The server prints names in backticks and strings in single quotes with backslashes: see the manual, 'String Literals'.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<name>`(?:[^`]|``)*`)
      | (?P<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
      | (?P<comment>/\*(?![!M]).*?\*/|--[ \t\n][^\n]*|\#[^\n]*)
      | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)
      | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_CHAIN = re.compile(
    r"""(?P<string>'(?:[^'\\]|\\.|'')*')
      | (?P<before>\b(?:from|join)\s+\(*|\b(?:nextval|lastval|setval)\()?
        (?P<chain>`(?:[^`]|``)*`(?:\.`(?:[^`]|``)*`)+)(?P<call>\()?""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_PART = re.compile(r"`(?:[^`]|``)*`")
_DEFERRED = re.compile(r"(?:UNIQUE )?KEY `")
_FOREIGN = re.compile(r"CONSTRAINT `(?:[^`]|``)*` FOREIGN KEY |FOREIGN KEY ")
_COLUMNS = r"\((?P<columns>`(?:[^`]|``)*`(?:, ?`(?:[^`]|``)*`)*)\)"
_INDEX = re.compile(rf"(?:UNIQUE )?KEY (?P<name>`(?:[^`]|``)*`) (?:USING \w+ )?{_COLUMNS}")
_FOREIGN_KEY = re.compile(rf"CONSTRAINT (?P<name>`(?:[^`]|``)*`) FOREIGN KEY {_COLUMNS}")
_IN_PLACE = re.compile(r"WITHOUT OVERLAPS|USING HASH|WITH PARSER")
_FIRST_COLUMN = re.compile(r"KEY `(?:[^`]|``)*` (?:USING \w+ )?\((`(?:[^`]|``)*`)")
_AUTO = re.compile(r"(`(?:[^`]|``)*`)[^`']* AUTO_INCREMENT\b")
_ARCHIVE = re.compile(r"^(\) ENGINE=ARCHIVE) AUTO_INCREMENT=[0-9]+", re.MULTILINE)
_PLACE = re.compile(
    r"""(?P<kept>`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*')
      | \s(?:DATA|INDEX)\ DIRECTORY\s*=\s*'(?:[^'\\]|\\.|'')*'
      | \s/\*!50100\ TABLESPACE\ `(?:[^`]|``)*`\ \*/
      | \sTABLESPACE\s*=\s*`(?:[^`]|``)*`""",
    re.VERBOSE | re.DOTALL,
)
_EITHER = r"""(?:`(?:[^`]|``)*+`|"(?:[^"]|"")*+")"""
"""A name, also as a routine prints it that was made under ANSI_QUOTES."""
_LIBRARIES = re.compile(
    rf"""LANGUAGE\s+(?:\w+|{_EITHER})\s+USING\s*\((?P<listed>(?:{_EITHER}|[^`")])*+)\)""", re.IGNORECASE
)
_LIBRARY = re.compile(rf"(?P<database>{_EITHER})\.(?P<name>{_EITHER})|{_EITHER}")
_ACCOUNT = r"(?:`(?:[^`]|``)*`|'(?:[^'\\]|''|\\.)*')"
_DEFINER = re.compile(rf"DEFINER\s*=\s*({_ACCOUNT}(?:@{_ACCOUNT})?|CURRENT_USER(?:\(\))?)", re.IGNORECASE)
_STATUS = re.compile(
    r"(ON\s+COMPLETION\s+(?:NOT\s+)?PRESERVE\s+)(ENABLE\b|DISABLE\s+ON\s+(?:SLAVE|REPLICA)\b|DISABLE\b)"
)


class Table(NamedTuple):
    """CREATE TABLE in two or three parts: the table, and what is faster made once it is full.

    `keys`: definitions of secondary indexes. `foreign`: of foreign keys, which need every table's keys.
    """

    create: str
    keys: tuple[str, ...]
    foreign: tuple[str, ...]


def split_table(text: str, *, keys: bool = True) -> Table:
    """Takes foreign keys and, with `keys`, secondary indexes out of CREATE TABLE where adding them later is the same.

    Left in: indexes of other engines than InnoDB; full-text, spatial and vector indexes, which are made one by one;
    the index of an AUTO_INCREMENT column that no primary key begins with; unique keys of a table without a primary
    key, since they order its rows; all of a table with system versioning, whose history forbids ALTER TABLE.
    """
    parts = _parts(text)
    if parts is None or "ENGINE=InnoDB" not in parts[2] or "WITH SYSTEM VERSIONING" in parts[2]:
        return Table(text, (), ())
    head, items, tail = parts
    primary = next((item for item in items if item.startswith("PRIMARY KEY")), "")
    auto = next((match[1] for item in items if (match := _AUTO.match(item))), "")
    needed = auto if auto and not primary.startswith(f"PRIMARY KEY ({auto}") else ""
    kept, later, foreign = [], [], []
    for item in items:
        if _FOREIGN.match(item):
            foreign.append(item)
        elif keys and _DEFERRED.match(item) and _later(item, needed, bool(primary)):
            later.append(item)
        else:
            kept.append(item)
    if not later and not foreign:
        return Table(text, (), ())
    return Table(head + "\n  " + ",\n  ".join(kept) + "\n" + tail, tuple(later), tuple(foreign))


class ForeignKey(NamedTuple):
    """A foreign key of a table. `index_name`: of an index of just its columns, '' if there is none."""

    name: str
    text: str
    index_name: str


def foreign_keys(text: str) -> Iterator[ForeignKey]:
    """Those in CREATE TABLE, as SHOW prints it."""
    parts = _parts(text)
    items = parts[1] if parts else []
    indexes = {match["columns"]: match["name"] for item in items if (match := _INDEX.match(item))}
    for item in items:
        if match := _FOREIGN_KEY.match(item):
            yield ForeignKey(_plain(match["name"]), item, _plain(indexes.get(match["columns"], "``")))


def _later(key: str, needed: str, has_primary: bool) -> bool:
    if _IN_PLACE.search(key) or (key.startswith("UNIQUE") and not has_primary):
        return False
    first = _FIRST_COLUMN.search(key)
    return not needed or (first is not None and first[1] != needed)


def _parts(text: str) -> tuple[str, list[str], str] | None:
    """Head with its '(', the definitions, and the tail with its ')'; None where there is no such list."""
    depth, begin, start = 0, -1, -1
    items: list[str] = []
    for match in _TOKEN.finditer(text):
        mark = match["mark"]
        if mark == "(":
            depth += 1
            if depth == 1 and begin < 0:
                begin = start = match.end()
        elif mark == ")":
            depth -= 1
            if depth == 0 and begin >= 0:
                items.append(text[start : match.start()].strip())
                return text[:begin], items, text[match.start() :]
        elif mark == "," and depth == 1:
            items.append(text[start : match.start()].strip())
            start = match.end()
    return None


def without_low_mark(text: str) -> str:
    """CREATE TABLE of an ARCHIVE table without its next value: that engine takes no row below it, so that no dump loads
    as it is; and it has the same one again once the rows are there."""
    return _ARCHIVE.sub(r"\1", text)


def without_places(text: str) -> str:
    """CREATE TABLE, or a part of it, without the directories and tablespaces in which its files shall be."""
    return _PLACE.sub(lambda match: match["kept"] or "", text)


def requalified(text: str, old: str, new: str) -> str:
    """With `new` as the database of every name that `old` stands before as its database: before two more names, after
    FROM or JOIN, or before a call. A column of a table that has the name of the database keeps it."""
    name = quoted(old)
    if name not in text or old == new:
        return text

    def changed(match: re.Match[str]) -> str:
        chain = match["chain"]
        if chain is None or not chain.startswith(f"{name}."):
            return match[0]
        if len(_PART.findall(chain)) > 2 or match["before"] or match["call"]:
            chain = quoted(new) + chain[len(name) :]
        return f"{match['before'] or ''}{chain}{match['call'] or ''}"

    return _CHAIN.sub(changed, text)


def quoted(name: str) -> str:
    """A name in backticks."""
    return "`" + name.replace("`", "``") + "`"


def in_head(text: str, old: str, new: str) -> str:
    """With `new` for the first name, if that is `old`."""
    return text.replace(quoted(old), quoted(new), 1)


def identifiers(text: str) -> set[str]:
    """All names in a definition, and the strings that stand where names do."""
    return {_plain(match["name"]) for match in _TOKEN.finditer(text) if match["name"]}


def _plain(name: str) -> str:
    return name[1:-1].replace("``", "`")


def definer(text: str) -> str | None:
    """The account that a definition names, as it stands there; None if it names none."""
    match = _DEFINER.search(_head(text))
    return match[1] if match and not match[1].upper().startswith("CURRENT_USER") else None


def without_definer(text: str) -> str:
    """With the connecting user as definer."""
    return _DEFINER.sub("DEFINER=CURRENT_USER", text, count=1) if definer(text) else text


def account(text: str) -> str:
    """`user@host` of a definer as it stands in a definition."""
    parts = [part[1:-1].replace("``", "`").replace("''", "'") for part in re.findall(_ACCOUNT, text)]
    return "@".join(parts)


def _head(text: str) -> str:
    """What stands before the body: a definer's clause can only be there."""
    match = re.search(r"\b(TRIGGER|PROCEDURE|FUNCTION|EVENT|VIEW|PACKAGE|LIBRARY)\b", text)
    return text[: match.start()] if match else text[:1000]


def disabled(text: str) -> tuple[str, str]:
    """CREATE EVENT that creates it disabled, and the state that it named."""
    state = ""

    def change(match: re.Match[str]) -> str:
        nonlocal state
        state = re.sub(r"\s+", " ", match[2])
        return match[1] + "DISABLE"

    changed = _once(text, _STATUS, change)
    return changed, state or "ENABLE"


def enabled_as(text: str, state: str) -> str:
    """CREATE EVENT with another state."""
    return _once(text, _STATUS, lambda match: match[1] + state)


def _once(text: str, pattern: re.Pattern[str], change: Callable[[re.Match[str]], str]) -> str:
    """Changes the first place outside of names and strings."""
    for token in _TOKEN.finditer(text):
        if token["word"] and (match := pattern.match(text, token.start())):
            return text[: match.start()] + change(match) + text[match.end() :]
    return text


def trigger_moved(text: str, old: str, new: str) -> str:
    """CREATE TRIGGER for another database: MariaDB prints it as it was typed, with the database's name if that was."""
    pieces, position = [], 0
    for match in _TOKEN.finditer(text):
        if (match["word"] or "").upper() == "EACH":
            break
        if match[0] in (quoted(old), old) and text[match.end() : match.end() + 1] == ".":
            pieces += [text[position : match.start()], quoted(new)]
            position = match.end()
    return "".join([*pieces, text[position:]])


def libraries_moved(text: str, old: str, new: str) -> str:
    """CREATE FUNCTION or PROCEDURE for another database: MySQL prints the name of the database before each library that
    it uses (`USING (`shop`.`tax` AS `t`)`). `new` may be empty: then there is none."""

    def moved(match: re.Match[str]) -> str:
        if match["database"] is None or _either_plain(match["database"]) != old:
            return match[0]
        return f"{quoted(new)}.{match['name']}" if new else match["name"]

    for token in _TOKEN.finditer(text):
        if (token["word"] or "").upper() == "LANGUAGE" and (match := _LIBRARIES.match(text, token.start())):
            start, end = match.span("listed")
            return text[:start] + _LIBRARY.sub(moved, match["listed"]) + text[end:]
    return text


def _either_plain(name: str) -> str:
    return name[1:-1].replace(name[0] * 2, name[0])
