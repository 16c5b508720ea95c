"""Rules over statements that take away more than they name, or put what the running release uses out of its sight.

A table or a column that is dropped or renamed by its own name is judged elsewhere (`lint_mysql`, `lint_squawk`). Here:
a whole schema, what CASCADE takes along, partitions, a table that is replaced, and names of other things (case 33).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbops.language import msg
from dbops.migrations.lint_facts import Facts
from dbops.migrations.lint_mysql import drop_fault, rename_fault
from dbops.migrations.lint_statements import Fault, Judge
from dbops.migrations.sql_columns import clauses
from dbops.migrations.sql_revisions import Step
from dbops.migrations.sql_shape import Shape, object_of
from dbops.migrations.sql_text import Kind

_HOLDS_COLUMNS = ("DROP TYPE", "DROP DOMAIN", "DROP EXTENSION", "DROP COLLATION")
_CALLED = ("ALTER VIEW", "ALTER MATERIALIZED", "ALTER FUNCTION", "ALTER PROCEDURE", "ALTER ROUTINE")
"""What a release names in its statements. A type that is renamed to make another in its place is used by no name."""


def cascades(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """PostgreSQL: CASCADE takes whatever hangs on it. Without it, the server refuses to drop what is in use."""
    one = step.statement
    dropped = object_of(one)
    if not one.has("CASCADE") or dropped is None or dropped in facts.objects:
        return
    name = dropped[1]
    if found.verb == "DROP SCHEMA":
        yield drop_fault(step, "", msg("schema {name} with all of its tables", name=name), facts)
    elif found.verb in _HOLDS_COLUMNS:
        what = msg("{kind} {name}, with every column that is of it", kind=dropped[0], name=name)
        yield drop_fault(step, "", what, facts)


def databases(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """MySQL and MariaDB, where a schema is a database, which is dropped with all that it holds."""
    dropped = object_of(step.statement)
    if found.verb in ("DROP DATABASE", "DROP SCHEMA") and dropped is not None and dropped not in facts.objects:
        yield drop_fault(step, "", msg("database {name} with all of its tables", name=dropped[1]), facts)


def partitions(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    if found.verb != "ALTER TABLE":
        return
    for clause in clauses(step.statement):
        words = [token.text if token.kind is Kind.WORD else "" for token in clause[:2]]
        what = _of_partition(words, found.table)
        if what:
            yield drop_fault(step, found.table, what, facts)


def _of_partition(words: Sequence[str], table: str) -> str:
    """What a clause that begins so takes away; '' for any other."""
    match words:
        case ["DROP", "PARTITION"]:
            return msg("a partition of {table}", table=table)
        case ["TRUNCATE" | "EXCHANGE" | "DISCARD", "PARTITION"]:
            return msg("the content of a partition of {table}", table=table)
        case ["DISCARD", "TABLESPACE"]:
            return msg("the content of {table}", table=table)
        case ["DROP", "SYSTEM"]:
            return msg("the history of {table}", table=table)
    return ""


def replaced(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """`CREATE OR REPLACE TABLE` of MariaDB drops the one that is there."""
    if facts.replaces(step, found):
        yield drop_fault(step, found.table, msg("table {table}", table=found.table), facts)


def moved(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """PostgreSQL: names that the running release uses, besides those of tables and columns."""
    one = step.statement
    named = object_of(one)
    if named is not None and named in facts.objects:
        return
    away = one.has("SET", "SCHEMA") and found.verb in ("ALTER TABLE", *_CALLED)
    renamed = one.has("RENAME") and found.verb in (*_CALLED, "ALTER SCHEMA")
    value = found.verb == "ALTER TYPE" and (one.has("RENAME", "VALUE") or one.has("RENAME", "ATTRIBUTE"))
    if away or renamed or value:
        yield rename_fault(step, found.table, facts)


POSTGRES: tuple[Judge, ...] = (cascades, moved)
MYSQL: tuple[Judge, ...] = (databases, partitions, replaced)
