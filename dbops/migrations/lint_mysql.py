"""Rules over statements of MySQL and MariaDB that no server needs to be asked for: what squawk has for PostgreSQL.

How a server would carry out an ALTER is not told here: `lint_probe` asks one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from dbops.language import msg
from dbops.migrations.lint_facts import Facts
from dbops.migrations.lint_statements import COMMON, Fault, Judge, trigger
from dbops.migrations.sql_columns import NOT_COLUMNS, change, changes, clauses
from dbops.migrations.sql_revisions import Step
from dbops.migrations.sql_shape import Shape
from dbops.migrations.sql_text import Kind, Token
from dbops.model import Severity


def drops(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """Case 33."""
    gone = gone_columns(step, found, facts)
    if found.verb == "DROP TABLE" or gone:
        what = (
            msg("column {columns} of {table}", columns=", ".join(gone), table=found.table)
            if gone
            else msg("table {table}", table=found.table)
        )
        yield drop_fault(step, found.table, what, facts)


def gone_columns(step: Step, found: Shape, facts: Facts) -> list[str]:
    """Columns that an ALTER drops, without those that a pending revision has added: nobody uses them yet."""
    if found.verb != "ALTER TABLE":
        return []
    return [
        one.column for one in changes(step.statement) if one.dropped and not facts.is_added(found.table, one.column)
    ]


def renames(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """Case 33."""
    one = step.statement
    renamed = found.verb == "RENAME TABLE" or (
        found.verb == "ALTER TABLE"
        and any(_renames(clause) and not _of_added(clause, found.table, facts) for clause in clauses(one))
    )
    if renamed:
        yield rename_fault(step, found.table, facts)


def required(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """Case 27: here the server fills in a zero or an empty text, and the running release's INSERT fails."""
    if found.verb != "ALTER TABLE":
        return
    for clause in clauses(step.statement):
        texts = [one.text for one in clause if one.kind is Kind.WORD]
        if texts[:1] != ["ADD"] or (len(texts) > 1 and texts[1] in (*NOT_COLUMNS, "UNIQUE", "FULLTEXT", "SPATIAL")):
            continue
        follows = list(pairwise(texts))
        filled = {"DEFAULT", "AUTO_INCREMENT", "GENERATED", "AS"} & set(texts)
        if ("NOT", "NULL") in follows and not filled:
            yield required_fault(step, found.table, facts)


def drop_fault(step: Step, table: str, what: str, facts: Facts) -> Fault:
    """A table or column that the running release may still use is dropped."""
    return Fault(
        "sql-drop",
        step,
        table,
        msg("nothing dropped that the running release may use"),
        msg("{what} is dropped, and what it holds with it", what=what),
        msg("drop it one release after the last that uses it, and have the backup from before it"),
        Severity.WARNING if facts.stopped else None,
    )


def rename_fault(step: Step, table: str, facts: Facts) -> Fault:
    """A table or column gets another name, which the running release does not know."""
    return Fault(
        "sql-rename",
        step,
        table,
        msg("names that the running release knows"),
        msg("{shown}: from then on the running release fails at the old name", shown=step.statement.shown),
        msg("add the new one beside it, write both, move the readers, drop the old one in a later release"),
        Severity.WARNING if facts.stopped else None,
    )


def required_fault(step: Step, table: str, facts: Facts) -> Fault:
    """A column that rows and INSERTs of the running release do not fill."""
    size = facts.size(table)
    return Fault(
        "sql-required-column",
        step,
        table,
        msg("a default, or NULL allowed"),
        msg("a NOT NULL column without a default on {about}", about=facts.about(table)),
        msg("add it with a server_default, or as nullable, fill it, and set NOT NULL in a later revision"),
        Severity.WARNING if size is not None and size.rows == 0 else None,
    )


def becomes_required(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """Case 27, in two steps: a column that is added with a default, or as nullable, and then loses that. An ALTER that
    adds a required one at once is judged elsewhere."""
    if found.verb != "ALTER TABLE" or facts.stopped:
        return
    before, after = facts.added, facts.past(step).added
    for (table, column), now in after.items():
        was = before.get((table, column))
        if table == found.table.lower() and now.breaks and was is not None and not was.breaks:
            yield Fault(
                "sql-required-column",
                step,
                found.table,
                msg("a column that the running release need not know"),
                msg(
                    "column {column} of {table} is new, and from here on NOT NULL without a default: "
                    "an INSERT of the running release fails",
                    column=column,
                    table=found.table,
                ),
                msg("keep its server_default, or let it take NULL, until no release runs that does not know it"),
                Severity.WARNING,
            )


MYSQL: tuple[Judge, ...] = (*COMMON, trigger, drops, renames, required, becomes_required)


def only_added_renamed(step: Step, found: Shape, facts: Facts) -> bool:
    """Whether all that an ALTER renames are columns that a pending revision has added."""
    renaming = [clause for clause in clauses(step.statement) if _renames(clause)]
    return bool(renaming) and all(_of_added(clause, found.table, facts) for clause in renaming)


def _of_added(clause: list[Token], table: str, facts: Facts) -> bool:
    one = change(clause)
    return one is not None and facts.is_added(table, one.column)


def _renames(clause: list[Token]) -> bool:
    texts = [one.text if one.kind is Kind.WORD else "" for one in clause]
    if texts[0] == "RENAME":
        return texts[1:2] not in (["INDEX"], ["KEY"])
    if texts[0] != "CHANGE":
        return False
    names = [one for one in clause[1:] if one.text not in ("COLUMN", "IF", "EXISTS") or one.kind is Kind.NAME]
    return len(names) > 1 and names[0].text.lower() != names[1].text.lower()
