"""What the clauses of an ALTER TABLE do to columns, in every dialect: as far as it tells a column that the running
release does not know, and whether its INSERT would fail for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from dbops.migrations.sql_text import Kind, Statement, Token

NOT_COLUMNS = ("INDEX", "KEY", "PRIMARY", "FOREIGN", "CONSTRAINT", "CHECK", "PARTITION", "PERIOD", "SYSTEM")
"""What ADD and DROP name besides columns."""
_KEYS = ("UNIQUE", "FULLTEXT", "SPATIAL")
_PASSED_OVER = ("COLUMN", "IF", "NOT", "EXISTS")
_FILLED = frozenset({"DEFAULT", "AUTO_INCREMENT", "GENERATED", "AS", "SERIAL", "BIGSERIAL", "SMALLSERIAL"})


class Change(NamedTuple):
    """Of one column. `added`, `dropped`; `now`: what it is called from then on. `required` and `filled` (by the server,
    where an INSERT gives no value): None where the clause leaves it as it was."""

    column: str
    now: str
    added: bool = False
    dropped: bool = False
    required: bool | None = None
    filled: bool | None = None


def clauses(one: Statement) -> list[list[Token]]:
    """What an ALTER TABLE lists after the table's name, outside of brackets; `ADD (a INT, b INT)` of MySQL is two."""
    place = next((i for i, token in enumerate(one.tokens) if token.text == "TABLE"), -1) + 1
    rest = list(one.tokens[place:])
    while rest and rest[0].kind is Kind.WORD and rest[0].text in ("IF", "EXISTS", "ONLY"):
        rest = rest[1:]
    rest = rest[3:] if len(rest) > 1 and rest[1].text == "." else rest[1:]
    found: list[list[Token]] = [[]]
    depth, listing = 0, False
    for token in rest:
        sign = token.text if token.kind is Kind.SIGN else ""
        if sign == "(" and not depth and [each.text for each in found[-1]] in (["ADD"], ["ADD", "COLUMN"]):
            listing = True
        elif sign == ")" and listing and not depth:
            listing = False
        elif sign == "," and not depth:
            found.append(found[-1][:1] if listing else [])
        elif sign in ("(", ")"):
            depth += 1 if sign == "(" else -1
        elif not depth:
            found[-1].append(token)
    return [clause for clause in found if clause]


def changes(one: Statement) -> Iterator[Change]:
    """What an ALTER TABLE does to columns, in its order."""
    for clause in clauses(one):
        found = change(clause)
        if found is not None:
            yield found


def change(clause: Sequence[Token]) -> Change | None:
    """What one clause does to a column; None where it is about something else."""
    words = [token.text if token.kind is Kind.WORD else "" for token in clause]
    verb, names = words[0], _names(clause[1:])
    if not names or verb not in ("ADD", "ALTER", "CHANGE", "DROP", "MODIFY", "RENAME"):
        return None
    name = names[0].named.lower()
    if verb in ("ADD", "DROP") and words[1] in (*NOT_COLUMNS, *_KEYS):
        return None
    if verb == "DROP":
        return Change(name, name, dropped=True)
    if verb == "RENAME":
        known = words[1] == "COLUMN" or (words[1] not in ("TO", "AS", *NOT_COLUMNS) and "TO" in words)
        return Change(name, names[2].named.lower()) if known and len(names) > 2 else None
    now = names[1].named.lower() if verb == "CHANGE" and len(names) > 1 else name
    follows = list(pairwise(words))
    if verb == "ALTER":
        required = True if _has(words, "SET", "NOT", "NULL") else False if _has(words, "DROP", "NOT", "NULL") else None
        set_ = ("SET", "DEFAULT") in follows or ("ADD", "GENERATED") in follows
        filled = True if set_ else False if ("DROP", "DEFAULT") in follows else None
        return Change(name, name, required=required, filled=filled)
    needed = ("NOT", "NULL") in follows
    return Change(name, now, added=verb == "ADD", required=needed, filled=bool(_FILLED & set(words)))


def _names(tokens: Sequence[Token]) -> list[Token]:
    """Names and words after the verb, without those that may stand before a name."""
    rest = list(tokens)
    while len(rest) > 1 and rest[0].kind is Kind.WORD and rest[0].text in _PASSED_OVER:
        rest = rest[1:]
    return [one for one in rest if one.kind in (Kind.WORD, Kind.NAME)]


def _has(words: Sequence[str], *wanted: str) -> bool:
    return any(tuple(words[place : place + len(wanted)]) == wanted for place in range(len(words)))
