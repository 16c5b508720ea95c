"""Rules over statements of MySQL and MariaDB that no server needs to be asked for: what squawk has for PostgreSQL.

How a server would carry out an ALTER is not told here: `lint_probe` asks one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from dbops.migrations.lint_facts import Facts
from dbops.migrations.lint_statements import COMMON, Fault, Judge, trigger
from dbops.migrations.sql_revisions import Step
from dbops.migrations.sql_shape import Shape
from dbops.migrations.sql_text import Kind, Statement, Token
from dbops.model import Severity

_NOT_COLUMNS = ("INDEX", "KEY", "PRIMARY", "FOREIGN", "CONSTRAINT", "CHECK", "PARTITION", "PERIOD", "SYSTEM")


def drops(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """Case 33."""
    gone = [] if found.verb != "ALTER TABLE" else [what for what in _clauses(step.statement) if _drops_column(what)]
    if found.verb == "DROP TABLE" or gone:
        what = f"column {gone[0][-1].text} of {found.table}" if gone else f"table {found.table}"
        yield drop_fault(step, found.table, what, facts)


def renames(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """Case 33."""
    one = step.statement
    renamed = found.verb == "RENAME TABLE" or (
        found.verb == "ALTER TABLE" and any(_renames(clause) for clause in _clauses(one))
    )
    if renamed:
        yield rename_fault(step, found.table, facts)


def required(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """Case 27: here the server fills in a zero or an empty text, and the running release's INSERT fails."""
    if found.verb != "ALTER TABLE":
        return
    for clause in _clauses(step.statement):
        texts = [one.text for one in clause if one.kind is Kind.WORD]
        if texts[:1] != ["ADD"] or (len(texts) > 1 and texts[1] in (*_NOT_COLUMNS, "UNIQUE", "FULLTEXT", "SPATIAL")):
            continue
        follows = list(pairwise(texts))
        filled = {"DEFAULT", "AUTO_INCREMENT", "GENERATED", "AS"} & set(texts)
        if ("NOT", "NULL") in follows and not filled:
            yield required_fault(step, found.table, facts)


def drop_fault(step: Step, table: str, what: str, facts: Facts) -> Fault:
    return Fault(
        "sql-drop",
        step,
        table,
        "nothing dropped that the running release may use",
        f"{what} is dropped, and what it holds with it",
        "drop it one release after the last that uses it, and have the backup from before it",
        Severity.WARNING if facts.stopped else None,
    )


def rename_fault(step: Step, table: str, facts: Facts) -> Fault:
    return Fault(
        "sql-rename",
        step,
        table,
        "names that the running release knows",
        f"{step.statement.shown}: from then on the running release fails at the old name",
        "add the new one beside it, write both, move the readers, drop the old one in a later release",
        Severity.WARNING if facts.stopped else None,
    )


def required_fault(step: Step, table: str, facts: Facts) -> Fault:
    size = facts.size(table)
    return Fault(
        "sql-required-column",
        step,
        table,
        "a default, or NULL allowed",
        f"a NOT NULL column without a default on {facts.about(table)}",
        "add it with a server_default, or as nullable, fill it, and set NOT NULL in a later revision",
        Severity.WARNING if size is not None and size.rows == 0 else None,
    )


MYSQL: tuple[Judge, ...] = (*COMMON, trigger, drops, renames, required)


def _clauses(one: Statement) -> list[list[Token]]:
    """What an ALTER TABLE lists after the table's name, outside of brackets."""
    place = next((i for i, token in enumerate(one.outer) if token.text == "TABLE"), -1) + 1
    rest = list(one.outer[place:])
    while rest and rest[0].kind is Kind.WORD and rest[0].text in ("IF", "EXISTS"):
        rest = rest[1:]
    rest = rest[3:] if len(rest) > 1 and rest[1].text == "." else rest[1:]
    found: list[list[Token]] = [[]]
    for token in rest:
        if token.kind is Kind.SIGN and token.text == ",":
            found.append([])
        else:
            found[-1].append(token)
    return [clause for clause in found if clause]


def _drops_column(clause: list[Token]) -> bool:
    if clause[0].text != "DROP" or clause[0].kind is not Kind.WORD or len(clause) < 2:
        return False
    return clause[1].kind is Kind.NAME or clause[1].text not in _NOT_COLUMNS


def _renames(clause: list[Token]) -> bool:
    texts = [one.text if one.kind is Kind.WORD else "" for one in clause]
    if texts[0] == "RENAME":
        return texts[1:2] not in (["INDEX"], ["KEY"])
    if texts[0] != "CHANGE":
        return False
    names = [one for one in clause[1:] if one.text not in ("COLUMN", "IF", "EXISTS") or one.kind is Kind.NAME]
    return len(names) > 1 and names[0].text.lower() != names[1].text.lower()
