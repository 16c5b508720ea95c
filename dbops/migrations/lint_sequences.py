"""Rules over what several statements of one transaction make together, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbops.language import msg
from dbops.migrations.lint_facts import Facts
from dbops.migrations.lint_statements import Fault
from dbops.migrations.sql_revisions import Step
from dbops.migrations.sql_shape import after, shape
from dbops.migrations.sql_text import Kind

_EXCLUSIVE = ("ALTER TABLE", "TRUNCATE", "LOCK TABLE", "DROP INDEX", "CREATE TRIGGER", "CREATE INDEX")
"""What takes a lock that the running release waits for, until the transaction ends."""


def enum_used(steps: Sequence[Step]) -> Iterator[Fault]:
    """Case 36: a value of an enum may not be used in the transaction that adds it, unless that has made the type."""
    added: dict[int, list[tuple[str, str]]] = {}
    made: dict[int, set[str]] = {}
    for step in steps:
        one, number = step.statement, step.transaction
        if not number:
            continue
        if one.starts("CREATE", "TYPE"):
            made.setdefault(number, set()).add(_type(step, "CREATE", "TYPE"))
        elif one.starts("ALTER", "TYPE") and one.has("ADD", "VALUE"):
            name = _type(step, "ALTER", "TYPE")
            value = next((token.text for token in after(one, "ADD", "VALUE") if token.kind is Kind.TEXT), "")
            if name not in made.get(number, ()):
                added.setdefault(number, []).append((name, value))
        elif not one.starts("COMMENT"):
            literals = one.literals
            for name, value in added.get(number, ()):
                if value in literals:
                    yield Fault(
                        "sql-enum-new",
                        step,
                        shape(one).table,
                        msg("a new value of an enum used after the transaction that adds it"),
                        msg(
                            "{value!r} of {name} is added and used in one transaction: the server refuses that",
                            value=value,
                            name=name,
                        ),
                        msg(
                            "add the value in `with op.get_context().autocommit_block():`, "
                            "or use it in a later revision"
                        ),
                    )


def changes_under_lock(steps: Sequence[Step], facts: Facts) -> Iterator[Fault]:
    """Case 32: rows changed in the transaction that has locked a table before: for all that time nobody uses it."""
    locked: dict[int, tuple[str, Step]] = {}
    for step, now in facts.along(steps):
        found = shape(step.statement)
        if not step.transaction or not found.table or now.is_new(found.table):
            continue
        if found.verb in _EXCLUSIVE and "CONCURRENTLY" not in step.statement.words:
            locked.setdefault(step.transaction, (found.table, step))
        elif found.verb in ("UPDATE", "DELETE") and step.transaction in locked:
            table, _ = locked[step.transaction]
            yield Fault(
                "sql-update-locked",
                step,
                found.table,
                msg("rows changed in batches, in transactions of their own"),
                msg(
                    "{verb} of {about}, while {table} stays locked by what ran before",
                    verb=found.verb,
                    about=facts.about(found.table),
                    table=table,
                ),
                msg("change the rows in a revision of its own, in batches, with autocommit_block()"),
                facts.weight(found.table),
            )


def _type(step: Step, *words: str) -> str:
    parts = []
    for token in after(step.statement, *words):
        if token.kind not in (Kind.WORD, Kind.NAME) and token.text != ".":
            break
        if token.kind is Kind.WORD and token.text in ("ADD", "AS", "IF"):
            break
        parts.append(token.named)
    return "".join(parts)
