"""Rules over single statements that are the same in every dialect, or that squawk does not have (case 36)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from dbops.language import msg
from dbops.migrations.lint_facts import Facts
from dbops.migrations.sql_columns import clauses
from dbops.migrations.sql_revisions import Step, outside_only
from dbops.migrations.sql_shape import Shape, after, table_names
from dbops.migrations.sql_text import Kind, Statement, Token
from dbops.model import Severity


class Fault(NamedTuple):
    """What is wrong with a statement. `severity` None: that of the rule."""

    rule: str
    step: Step
    table: str
    expected: str
    actual: str
    hint: str = ""
    severity: Severity | None = None


_SERIAL = ("SERIAL", "SERIAL2", "SERIAL4", "SERIAL8", "BIGSERIAL", "SMALLSERIAL")

Judge = Callable[[Step, Shape, Facts], Iterator[Fault]]


def no_where(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """UPDATE or DELETE of every row, in one statement: all of them stay locked until the transaction ends."""
    one = step.statement
    if found.verb not in ("UPDATE", "DELETE") or one.has("LIMIT") or (one.has("WHERE") and not _always(one)):
        return
    size = facts.size(found.table)
    heavy = found.verb == "DELETE" and (size is None or size.rows > 0)
    yield Fault(
        "sql-no-where",
        step,
        found.table,
        msg("a WHERE, or batches"),
        msg("{verb} of every row of {about}", verb=found.verb, about=facts.about(found.table)),
        msg("add the condition that is meant; change many rows in batches, outside of the migration's transaction"),
        Severity.ERROR if heavy else facts.weight(found.table),
    )


def _always(one: Statement) -> bool:
    """Whether its condition is one that every row meets: `WHERE true`, `WHERE 1 = 1`."""
    where = next(token for token in one.outer if token.kind is Kind.WORD and token.text == "WHERE")
    place = one.tokens.index(where)
    rest = [token for token in one.tokens[place + 1 :] if token.text not in ("(", ")")]
    end = next((number for number, token in enumerate(rest) if token.text in ("RETURNING", "ORDER")), len(rest))
    match rest[:end]:
        case [Token(Kind.WORD, "TRUE")]:
            return True
        case [Token(Kind.NUMBER, number)]:
            return number.strip("0.") != ""
        case [Token(kind, text), Token(Kind.SIGN, "="), Token(other, same)]:
            return kind is other and kind in (Kind.NUMBER, Kind.TEXT) and text == same
        case _:
            return False


def truncate(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """TRUNCATE of a table that may hold rows."""
    if found.verb != "TRUNCATE":
        return
    size = facts.size(found.table)
    yield Fault(
        "sql-truncate",
        step,
        found.table,
        msg("rows that stay"),
        msg("TRUNCATE of {about}", about=facts.about(found.table)),
        msg("if the rows may go: keep the backup from before, and suppress this finding with the reason"),
        Severity.INFO if size is not None and size.rows == 0 else None,
    )


def whole_table(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """What copies a whole table while nobody may use it."""
    what = _whole_table(step.statement, found)
    if what:
        yield Fault(
            "sql-rewrite",
            step,
            found.table,
            msg("no table written anew while it is locked"),
            msg(
                "{what}: {about} is copied, and nobody reads or writes it meanwhile",
                what=what,
                about=facts.about(found.table),
            ),
            msg("do it outside of the migration, in a quiet hour, or with a tool that copies beside (pg_repack)"),
            facts.weight(found.table),
        )


def _whole_table(one: Statement, found: Shape) -> str:
    if found.verb == "VACUUM" and "FULL" in one.words[:8]:
        return "VACUUM FULL"
    if found.verb == "CLUSTER":
        return "CLUSTER"
    if found.verb == "OPTIMIZE":
        return "OPTIMIZE TABLE"
    if found.verb == "REFRESH" and "CONCURRENTLY" not in one.words[:5]:
        return "REFRESH MATERIALIZED VIEW without CONCURRENTLY"
    if found.verb == "ALTER TABLE" and one.has("SET", "TABLESPACE"):
        return "SET TABLESPACE"
    if found.verb == "ALTER TABLE" and (one.has("SET", "LOGGED") or one.has("SET", "UNLOGGED")):
        return "SET LOGGED" if one.has("SET", "LOGGED") else "SET UNLOGGED"
    if found.verb == "ALTER TABLE" and one.has("SET", "ACCESS", "METHOD"):
        return "SET ACCESS METHOD"
    if found.verb == "ALTER TABLE" and one.has("SET", "EXPRESSION"):
        return "SET EXPRESSION"
    if found.verb == "ALTER TABLE" and any(len(each) > 1 and _is_serial(each) for each in clauses(one)):
        return msg("a new column that is filled from a sequence")
    return ""


def _is_serial(clause: Sequence[Token]) -> bool:
    """`ADD COLUMN number bigserial`: each row is given a number of its own."""
    words = [token.text if token.kind is Kind.WORD else "" for token in clause]
    return words[0] == "ADD" and bool({*_SERIAL} & {*words[2:5]})


def reindex(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """REINDEX without CONCURRENTLY."""
    if found.verb == "REINDEX" and "CONCURRENTLY" not in step.statement.words:
        yield Fault(
            "sql-index-blocks",
            step,
            found.table,
            "REINDEX CONCURRENTLY",
            msg("REINDEX blocks writes to {about} while the index is built", about=facts.about(found.table)),
            msg("add CONCURRENTLY, in an autocommit block"),
            facts.weight(found.table),
        )


def lock_table(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """An explicit LOCK TABLE."""
    if found.verb != "LOCK TABLE":
        return
    one = step.statement
    light = one.has("SHARE", "MODE") or one.has("READ") or one.has("ROW", "EXCLUSIVE") or one.has("ACCESS", "SHARE")
    yield Fault(
        "sql-lock-table",
        step,
        found.table,
        msg("locks that end with their statement"),
        msg(
            "{shown}: held until the transaction ends, and whoever uses {table} waits",
            shown=one.shown,
            table=found.table,
        ),
        msg("leave it to the statements that need it; put what must be atomic into a short transaction of its own"),
        Severity.WARNING if light or facts.stopped else None,
    )


def trigger(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:  # noqa: ARG001 - all judges are alike
    """A trigger that is made, or switched on or off."""
    one = step.statement
    if found.verb == "CREATE TRIGGER":
        what = msg("a trigger on {table}", table=found.table)
    elif found.verb == "ALTER TABLE" and (one.has("DISABLE", "TRIGGER") or one.has("ENABLE", "TRIGGER")):
        what = msg(
            "{verb} TRIGGER on {table}",
            verb="DISABLE" if one.has("DISABLE", "TRIGGER") else "ENABLE",
            table=found.table,
        )
    else:
        return
    yield Fault(
        "sql-trigger",
        step,
        found.table,
        msg("writes that go on as the running release knows them"),
        msg("{what}: it takes a lock that writes wait for, and from then on every write is another one", what=what),
        msg("rehearse it with the running release's writes"),
    )


def partition(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """A partition that is attached or detached while its table is in use."""
    one = step.statement
    if found.verb != "ALTER TABLE":
        return
    if one.has("ATTACH", "PARTITION"):
        tail = after(one, "ATTACH", "PARTITION")
        part = next(iter(table_names(tail)), "")
        if facts.is_new(part):
            return
        yield Fault(
            "sql-partition",
            step,
            found.table,
            msg("a partition that needs no scan"),
            msg(
                "ATTACH PARTITION reads all of {about} under a lock, unless a valid CHECK shows its bounds",
                about=facts.about(part),
            ),
            msg("add a CHECK of the bounds NOT VALID, validate it, then attach"),
            facts.weight(part),
        )
    elif one.has("DETACH", "PARTITION") and not (one.has("CONCURRENTLY") or one.has("FINALIZE")):
        yield Fault(
            "sql-partition",
            step,
            found.table,
            msg("DETACH PARTITION … CONCURRENTLY"),
            msg("DETACH PARTITION blocks all of {table}", table=found.table),
            msg("add CONCURRENTLY, in an autocommit block"),
            Severity.WARNING,
        )


def unique(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:
    """Case 28: whether there are duplicates, only the rows tell."""
    one = step.statement
    index = found.verb == "CREATE INDEX" and "UNIQUE" in one.words[:3]
    added = found.verb == "ALTER TABLE" and (one.has("UNIQUE") or one.has("ADD", "PRIMARY", "KEY"))
    added = added and not one.has("USING", "INDEX") and not one.has("ADD", "COLUMN")
    size = facts.size(found.table)
    if not (index or added) or (size is not None and size.rows == 0):
        return
    yield Fault(
        "sql-unique",
        step,
        found.table,
        "no duplicates",
        msg(
            "a unique index over the rows of {about}: one duplicate, and the migration fails",
            about=facts.about(found.table),
        ),
        msg(
            "look for duplicates before (GROUP BY … HAVING count(*) > 1); the rehearsal on the copy of the backup tells"
        ),
    )


def in_transaction(step: Step, found: Shape, facts: Facts) -> Iterator[Fault]:  # noqa: ARG001 - all judges are alike
    """Case 29: PostgreSQL refuses it, and the upgrade stops there."""
    if step.transaction and outside_only(step.statement):
        word = "CONCURRENTLY" if "CONCURRENTLY" in step.statement.words else step.statement.words[0]
        yield Fault(
            "sql-in-transaction",
            step,
            found.table,
            msg("outside of a transaction"),
            msg("{word} inside the migration's transaction: the server refuses it", word=word),
            msg("write it in `with op.get_context().autocommit_block():`"),
        )


COMMON: tuple[Judge, ...] = (no_where, truncate, whole_table, lock_table, trigger, unique)
POSTGRES: tuple[Judge, ...] = (*COMMON, reindex, partition, in_transaction)


def judge(steps: Sequence[Step], facts: Facts, judges: Sequence[Judge]) -> Iterator[Fault]:
    """What each rule says of each statement about a table that is not new. `facts`: as before the first of them."""
    for step, now in facts.along(steps):
        found = now.judged(step)
        for one in judges:
            if one is in_transaction or not now.is_new(found.table):
                yield from one(step, found, now)
