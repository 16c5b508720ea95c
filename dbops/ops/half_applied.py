"""A revision of which a part is in: what a dialect without transactional DDL leaves when an upgrade fails or is killed.

Two ways to know which statements are in: it was heard while they ran, or each is tried on a throw-away copy. What the
server then calls a duplicate is in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from dbops.engine.migrating import Migrator
from dbops.language import msg
from dbops.migrations.runner import Outcome
from dbops.migrations.runner_events import Statement
from dbops.migrations.sql_shape import after, shape
from dbops.migrations.sql_text import Statement as SqlStatement
from dbops.migrations.sql_text import split

ATTEMPT_SECONDS = 600.0
_THERE = frozenset(
    (*map(str, (1050, 1051, 1060, 1061, 1068, 1091, 1304, 1359, 1826, 3822, 4147)), "42P07", "42P06", "42701", "42710")
)
"""What a server says to a statement that has run before: the thing is there, or what it drops is not any more."""
_NO_TABLE = frozenset(("1146", "42P01"))
_NO_COLUMN = frozenset(("1054", "42703", "42704"))
"""Said as well where it never was: so it is only where the revision itself takes the thing away."""
_TAKES = frozenset(("DROP", "RENAME", "CHANGE"))
_ROWS = ("insert", "update", "delete", "replace")
_KEPT = ("select", "set", "show", "use", "begin", "commit", "start")


class Part(NamedTuple):
    """`state`: `in`, `missing`, or `unknown`; `why` where it is not known."""

    sql: str
    state: str
    why: str = ""


class HalfApplied(NamedTuple):
    """`resume`: SQL that runs what is missing and then writes the version table; '' where that cannot be written."""

    revision: str
    parts: tuple[Part, ...]
    resume: str = ""

    @property
    def anything(self) -> bool:
        """Whether any part of the revision has surely run."""
        return any(part.state == "in" for part in self.parts)

    def text(self) -> str:
        """A line for each statement."""
        return "\n".join(
            f"{part.state:<8} {' '.join(part.sql.split())[:160]}{f' ({part.why})' if part.why else ''}"
            for part in self.parts
        )


def heard(outcome: Outcome, *, transactional: bool) -> HalfApplied | None:
    """By what was heard of an upgrade that did not come to its end; None if nothing of a revision stayed."""
    applied = {one.revision for one in outcome.applied}
    open_ones = [one.revision for one in outcome.begun if one.revision not in applied]
    if transactional or not open_ones:
        return None
    name = open_ones[-1]
    statements = [one for one in outcome.statements if one.revision == name and _word(one.sql) not in _KEPT]
    # Each change of the schema commits what came before it, also one that fails.
    failed = outcome.failed if outcome.failed is not None and outcome.failed.revision == name else None
    ddl = [place for place, one in enumerate(statements) if _word(one.sql) not in _ROWS]
    last = len(statements) if failed is not None and _word(failed.sql) not in _ROWS else (ddl[-1] + 1 if ddl else 0)
    parts = [_heard(one, place < last) for place, one in enumerate(statements)]
    if failed is not None:
        parts.append(Part(failed.sql, "missing", f"{failed.message} ({failed.code})".replace(" ()", "")))
    found = HalfApplied(name, tuple(parts))
    return found if found.anything else None


def _heard(one: Statement, kept: bool) -> Part:
    return Part(one.sql, "in" if kept else "missing", "" if kept else msg("rolled back"))


def diagnose(
    revision: str, sql: str, dialect: str, version_table: str, copy: Migrator, definitions: Callable[[], object]
) -> HalfApplied | None:
    """By trying each statement of the rendered `sql` on a copy, which is another one then. `definitions`: all that the
    copy's schema is, to see whether a statement has changed anything. None if nothing of it is in."""
    parts: list[Part] = []
    resume: list[str] = []
    statements = split(sql, dialect)
    for place, one in enumerate(statements):
        if _word(one.text) in _KEPT:
            continue
        if version_table in one.names:
            resume.append(one.text)
            continue
        part = _try(statements[place:], copy, definitions)
        parts.append(part)
        if part.state != "in":
            resume.append(one.text if part.state == "missing" else f"-- not known whether it is in:\n{one.text}")
    found = HalfApplied(revision, tuple(parts), "".join(f"{text};\n" for text in resume))
    return found if found.anything else None


def _try(statements: Sequence[SqlStatement], copy: Migrator, definitions: Callable[[], object]) -> Part:
    """The first of them; the others come after it."""
    text = statements[0].text
    if _word(text) in _ROWS:
        return Part(text, "unknown", msg("it changes rows: look whether it has"))
    before = definitions()
    refusal = copy.attempt(text, ATTEMPT_SECONDS, keep=True)
    if refusal is None:
        return Part(text, "missing") if definitions() != before else Part(text, "in", msg("or it changes nothing"))
    if refusal.code in _THERE or _taken_away(refusal.code, statements):
        return Part(text, "in")
    return Part(text, "unknown", refusal.text)


def _taken_away(code: str, statements: Sequence[SqlStatement]) -> bool:
    """Whether what the first statement misses is what it, or one after it, drops or renames."""
    table = shape(statements[0]).table.rpartition(".")[2].lower()
    about = [one for one in statements if table in one.names]
    if code in _NO_COLUMN:
        return any(_TAKES & {*one.words} for one in about)
    return code in _NO_TABLE and any(_takes_table(one) for one in about)


def _takes_table(one: SqlStatement) -> bool:
    if shape(one).verb in ("DROP TABLE", "RENAME TABLE"):
        return True
    renamed = next(iter(after(one, "RENAME")), None)
    return renamed is not None and renamed.text not in ("COLUMN", "INDEX", "KEY", "CONSTRAINT")


def _word(sql: str) -> str:
    return (sql.split(None, 1) or [""])[0].lower()


def lines(parts: Sequence[Part], state: str) -> list[str]:
    """The statements of one state."""
    return [" ".join(part.sql.split())[:160] for part in parts if part.state == state]
