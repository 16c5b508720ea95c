"""How a MySQL or MariaDB server would carry out each ALTER (case 35): it is asked, on a clone of the schema.

The documentation's tables are long, differ by version, and depend on what else a statement does. A server told
`ALGORITHM=INSTANT` refuses what it cannot do so; the clone has no rows, so that each answer costs milliseconds. From
the cheapest to the dearest, the first that is not refused is how it would be done, and the clone is then as after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from dbops.engine.migrating import Refusal
from dbops.engine.scratch import ScratchSession
from dbops.language import msg
from dbops.migrations.lint_facts import Facts
from dbops.migrations.lint_statements import Fault
from dbops.migrations.sql_revisions import Step
from dbops.migrations.sql_shape import shape
from dbops.migrations.sql_text import Statement


class Way(StrEnum):
    """How MySQL or MariaDB carries out an ALTER TABLE."""

    INSTANT = "instant"
    """The dictionary alone."""
    ONLINE = "online"
    """In place, without a copy of the rows, and writes go on."""
    REBUILD = "rebuild"
    """The table is written anew, and writes go on."""
    BLOCKS = "blocks"
    """In place, but writes wait."""
    COPY = "copy"
    """A copy of the table, row by row, and writes wait."""


class Probed(NamedTuple):
    """`way` None: it could not be told, `refusal` says why."""

    step: Step
    table: str
    way: Way | None
    refusal: Refusal | None = None


_MARIADB = (
    ("ALGORITHM=INSTANT", "", Way.INSTANT),
    ("ALGORITHM=NOCOPY", "LOCK=NONE", Way.ONLINE),
    ("ALGORITHM=INPLACE", "LOCK=NONE", Way.REBUILD),
    ("ALGORITHM=INPLACE", "LOCK=SHARED", Way.BLOCKS),
    ("ALGORITHM=COPY", "LOCK=SHARED", Way.COPY),
)
_MYSQL = (
    ("ALGORITHM=INSTANT", "", Way.INSTANT),
    ("ALGORITHM=INPLACE", "LOCK=NONE", Way.ONLINE),  # with or without a rebuild: MySQL does not tell
    ("ALGORITHM=INPLACE", "LOCK=SHARED", Way.BLOCKS),
    ("ALGORITHM=COPY", "LOCK=SHARED", Way.COPY),
)
_REFUSED = ("1845", "1846", "1221", "1800", "4092", "4093")
"""Of an algorithm or a lock, not of the change itself: not supported (for a reason), wrong usage, unknown."""
_OWN = ("ALGORITHM", "LOCK")
_DROPS = re.compile(r"\ADROP\s+INDEX\s+(.+?)\s+ON\s+(.+)\Z", re.IGNORECASE | re.DOTALL)


def probe(session: ScratchSession, steps: Sequence[Step], dialect: str, facts: Facts) -> Iterator[Probed]:
    """What becomes of each statement; all of them run, so that each finds what those before it have left."""
    for step, now in facts.along(steps):
        found = shape(step.statement)
        if not _asked(found.verb) or now.is_new(found.table):
            refusal = session.run(step.statement.text)
            if refusal is not None and _asked(found.verb):
                yield Probed(step, found.table, None, refusal)
            continue
        yield _tried(session, step, found.table, dialect)


def _asked(verb: str) -> bool:
    """Statements that take an algorithm. A rename touches the dictionary alone, wherever it is done."""
    return verb in ("ALTER TABLE", "CREATE INDEX", "DROP INDEX")


def _tried(session: ScratchSession, step: Step, table: str, dialect: str) -> Probed:
    one = step.statement
    if any(token.text in _OWN for token in one.outer):
        refusal = session.run(one.text)  # the author has said how: the server refuses it, or does it so
        if refusal is not None:
            return Probed(step, table, None, refusal)
        return Probed(step, table, _said(one))
    base = _DROPS.sub(r"ALTER TABLE \2 DROP INDEX \1", one.text.rstrip())  # DROP INDEX of MariaDB takes no algorithm
    comma = "," if shape(one).verb != "CREATE INDEX" else ""
    refusal = None
    for algorithm, lock, way in _MARIADB if dialect == "mariadb" else _MYSQL:
        parts = [part for part in (algorithm, lock) if part]
        text = base + "".join(f"{comma} {part}" for part in parts)
        refusal = session.run(text)
        if refusal is None:
            return Probed(step, table, way)
        if refusal.code not in _REFUSED:
            break
    if refusal is not None and (plain := session.run(one.text)) is None:
        return Probed(step, table, None, refusal)
    else:
        return Probed(step, table, None, plain)


def _said(one: Statement) -> Way | None:
    words = {token.text for token in one.outer}
    if "COPY" in words:
        return Way.COPY
    if "INSTANT" in words:
        return Way.INSTANT
    return Way.ONLINE if "NONE" in words else Way.BLOCKS if "SHARED" in words or "EXCLUSIVE" in words else None


def faults(probed: Sequence[Probed], facts: Facts) -> Iterator[Fault]:
    """What a person should know of: a copy, and writes that wait. A rebuild costs room and time, and nobody waits."""
    for one in probed:
        about = facts.about(one.table)
        if one.way is Way.COPY:
            yield Fault(
                "sql-copies",
                one.step,
                one.table,
                msg("INSTANT, or in place while writes go on"),
                msg("the server copies {about} row by row, and writes wait until it is done", about=about),
                msg("split the change, or use gh-ost or pt-online-schema-change; in a quiet hour if it is small"),
                facts.weight(one.table),
            )
        elif one.way is Way.BLOCKS:
            yield Fault(
                "sql-blocks",
                one.step,
                one.table,
                msg("in place while writes go on"),
                msg("the server changes {about} in place, and writes wait until it is done", about=about),
                msg("split the change, or do it in a quiet hour"),
                facts.weight(one.table),
            )
