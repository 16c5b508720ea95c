"""Reads the definitions that a server prints (SHOW CREATE …), and takes out of them what a copy prints otherwise."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from dbops.engine.mysql import ddl

_NAME = r"`(?:[^`]|``)*`"
_STRING = r"'(?:[^'\\]|\\.|'')*'"
_TOKEN = re.compile(rf"{_NAME}|{_STRING}|.", re.DOTALL)
_CHAIN = re.compile(
    rf"""(?P<string>{_STRING})
       | (?P<before>\b(?:from|join)\s+\(*|\b(?:nextval|lastval|setval)\()?
         (?P<chain>{_NAME}(?:\.{_NAME})+)(?P<call>\()?""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_PART = re.compile(_NAME)
_ACCOUNT = r"""(?:`(?:[^`]|``)*`|"(?:[^"]|"")*"|'(?:[^']|'')*')"""
_DEFINER = re.compile(rf"\ACREATE (ALGORITHM=\w+ |OR REPLACE )?DEFINER={_ACCOUNT}(?:@{_ACCOUNT})? ")
_STATUS = re.compile(
    rf"\A((?:{_NAME}|{_STRING}|[^`'])*?ON COMPLETION (?:NOT )?PRESERVE)"
    r" (?:ENABLE|DISABLE ON (?:SLAVE|REPLICA)|DISABLE)\b",
    re.DOTALL,
)
_BODY = re.compile(r"\bFOR\s+EACH\s+ROW\b\s*", re.IGNORECASE)
_KEY = re.compile(rf"(?:PRIMARY|(?:(?:UNIQUE|FULLTEXT|SPATIAL|VECTOR) )?KEY ({_NAME}))")
_CONSTRAINT = re.compile(rf"(?:CONSTRAINT ({_NAME}) )?(FOREIGN KEY|CHECK)\b")
_MOMENT = re.compile(rf"({_NAME}) timestamp\b(?:{_STRING}|[^'])*? DEFAULT ('\d[^']*')")
_INTRODUCER = re.compile(r"\b_[a-z0-9]+(?=\\*')")
_TELLING = re.compile(
    rf"\b(?:UNION=\([^)]*\)|INSERT_METHOD=\w+"
    rf"|(?:SECONDARY_)?ENGINE_ATTRIBUTE={_STRING})"
)
_NOT_NULL = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))* is not null\)"
_REPEATED = re.compile(rf"({_NOT_NULL}(?: and {_NOT_NULL})*?)(?: and \1)+")
_COMMENT = re.compile(rf" COMMENT={_STRING}")
_PARTITIONED = re.compile(r"\s*(?:/\*!\d+ )?PARTITION BY (.*?)(?: \*/)?\s*\Z", re.DOTALL)
# information_schema is utf8mb3: what lies beyond it shows there as a question mark.
_BEYOND = re.compile("[\U00010000-\U0010ffff]+")


class TableText(NamedTuple):
    """What SHOW CREATE TABLE says beyond information_schema. Constraints and keys by name, PRIMARY for the primary.

    `moments`: the default of each TIMESTAMP column that has a point in time for it, in the session's time zone.
    """

    options: str
    keys: dict[str, str]
    foreign: dict[str, str]
    checks: dict[str, str]
    partitions: str
    moments: dict[str, str]


def of_table(text: str) -> TableText:
    """Takes the text of SHOW CREATE TABLE apart, of a table, no view or sequence."""
    items, tail = _parts(text)
    tail = ddl.without_places(tail)  # where its files are is no matter of what it holds
    keys: dict[str, str] = {}
    foreign: dict[str, str] = {}
    checks: dict[str, str] = {}
    moments: dict[str, str] = {}
    others: list[str] = []
    for item in items:
        if key := _KEY.match(item):
            keys[_plain(key[1]) if key[1] else "PRIMARY"] = item
        elif constraint := _CONSTRAINT.match(item):
            into = checks if constraint[2] == "CHECK" else foreign
            into[_plain(constraint[1] or item)] = item
        elif item.startswith("PERIOD FOR"):
            others.append(item)
        elif moment := _MOMENT.match(item):
            moments[_plain(moment[1])] = moment[2]
    tail = _COMMENT.sub("", tail)
    partitions = _PARTITIONED.search(tail)
    head = tail[: partitions.start()] if partitions else tail
    options = [*others, *_TELLING.findall(head), *_BEYOND.findall(text)]
    return TableText(" ".join(options), keys, foreign, checks, partitions[1] if partitions else "", moments)


def without_definer(text: str) -> str:
    """The text of CREATE VIEW, ROUTINE, TRIGGER or EVENT without its definer."""
    return _DEFINER.sub(lambda match: f"CREATE {match[1] or ''}", text, count=1)


def without_repeats(text: str) -> str:
    """The text of CREATE VIEW without conditions said again and again: each time that MySQL makes a view with an
    INTERSECT, it adds to its WHERE, twice, that the columns are not null (9.7.4)."""
    return _REPEATED.sub(r"\1", text) if " intersect " in text else text


def without_status(text: str) -> str:
    """The text of CREATE EVENT without whether it is enabled."""
    return _STATUS.sub(r"\1", text, count=1)


def trigger_body(text: str) -> str:
    """What a trigger does, from the text of SHOW CREATE TRIGGER: its head stands there as somebody typed it."""
    match = _BODY.search(text)
    return text[match.end() :] if match else text


def without_database(text: str, names: Collection[str]) -> str:
    """The text without the databases' names before names of tables, columns, functions and sequences.

    A column of a table that has the name of a database keeps it: a database stands before two names, after FROM or
    JOIN, or before a call.
    """
    own = {f"`{name.replace('`', '``')}`" for name in names}

    def shortened(match: re.Match[str]) -> str:
        chain = match["chain"]
        if chain is None:
            return match[0]
        parts = _PART.findall(chain)
        if parts[0] in own and (len(parts) > 2 or match["before"] or match["call"]):
            chain = ".".join(parts[1:])
        return f"{match['before'] or ''}{chain}{match['call'] or ''}"

    return _CHAIN.sub(shortened, text)


def using_own(text: str, names: Collection[str]) -> str:
    """The text of a routine without the databases' names before libraries that it uses."""
    for name in names:
        text = ddl.libraries_moved(text, name, "")
    return text


def without_introducers(text: str) -> str:
    """An expression without the character sets before its strings: MySQL keeps those of the session that wrote it."""
    return _INTRODUCER.sub("", text)


def _parts(text: str) -> tuple[list[str], str]:
    """The definitions between the outermost parentheses, and what follows them."""
    depth, start = 0, 0
    items: list[str] = []
    for match in _TOKEN.finditer(text):
        mark = match[0]
        if mark == "(":
            depth += 1
            start = match.end() if depth == 1 else start
        elif depth == 1 and mark in ",)":
            items.append(text[start : match.start()].strip())
            start = match.end()
        if mark == ")":
            depth -= 1
            if depth == 0:
                return items, text[match.end() :]
    return items, ""


def _plain(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
