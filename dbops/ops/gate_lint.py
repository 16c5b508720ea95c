"""The lint step of the gate: SQL of the pending revisions, what a scratch server does with it, and the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from dbops.config.urls import Secret
from dbops.errors import DbopsError
from dbops.language import msg
from dbops.migrations.lint import lint
from dbops.migrations.lint_facts import Facts
from dbops.migrations.lint_probe import faults, probe
from dbops.migrations.lint_statements import Fault
from dbops.migrations.rules import of_step
from dbops.migrations.sql_revisions import RevisionSql, Unreadable, read_sql
from dbops.migrations.sql_text import MYSQL_FAMILY
from dbops.model import NotEvaluated
from dbops.ops.gate_steps import NO_DATABASE, NOT_KNOWN, Outcome, Step, current_of
from dbops.ops.migration_ground import Ground
from dbops.ops.workshop import Workshop

ID = "lint"
PROBED = ("sql-copies", "sql-blocks")
_MYSQL_ONLY = PROBED
_POSTGRES_ONLY = frozenset(of_step("lint")) - {
    "sql-required-column",
    "sql-unique",
    "sql-drop",
    "sql-rename",
    "sql-no-where",
    "sql-truncate",
    "sql-rewrite",
    "sql-lock-table",
    "sql-trigger",
    *PROBED,
}
_NOWHERE = {
    "postgres": Secret("postgresql://nobody@127.0.0.1:1/nothing"),
    "mysql": Secret("mysql://nobody@127.0.0.1:1/nothing"),
    "mariadb": Secret("mariadb://nobody@127.0.0.1:1/nothing"),
}
"""What an application is given where SQL is only rendered and no scratch database can be had: some migrate the database
that they find as soon as they are made, and the real one must not be that."""


class Tried(NamedTuple):
    """What a scratch server showed. `captured` and `rewritten` by revision; `lacks`: why it showed nothing."""

    captured: Mapping[str, Sequence[str]] = {}
    rewritten: Mapping[str, frozenset[str]] | None = None
    lacks: str = ""


class Linter:
    """Lints when it is called as a step. `render`: the offline SQL of the application, given the URL of a database that
    it may do anything to. `captured`: statements by revision that a rehearsal has heard, where one was a step of the
    same gate. It has shown what statements do that no rule knows, and for how long they hold their locks; if it could
    not, that is open by itself."""

    def __init__(
        self,
        dialect: str,
        render: Callable[[Secret, str, str], str],
        workshop: Workshop,
        facts: Facts,
        *,
        version_table: str = "alembic_version",
        captured: Callable[[], Mapping[str, Sequence[str]]] | None = None,
    ) -> None:
        self._dialect, self._render, self._workshop, self._facts = dialect, render, workshop, facts
        self._version_table, self._captured = version_table, captured

    def step(self) -> Step:
        return Step(ID, self)

    def __call__(self, ground: Ground) -> Outcome:
        if ground.version is None:
            return Outcome(skipped=[NotEvaluated(id=ID, reason=NO_DATABASE)])
        if ground.pending == ():
            return Outcome(skipped=[NotEvaluated(id=ID, reason=msg("nothing is pending"))])
        if ground.pending is None:
            return Outcome(open=[NotEvaluated(id=ID, reason=ground.broken or NOT_KNOWN)])
        sql, unread = self._rendered(ground)
        if unread and self._captured is not None:
            sql, unread = self._completed(ground, sql, self._captured())
        tried = self._tried(ground) if self._dialect == "postgres" or unread else Tried()
        if unread and tried.captured:
            sql, unread = self._completed(ground, sql, tried.captured)
        probed, lacks = self._probed(ground, sql)
        result = lint(
            ground.history,
            sql,
            unread,
            self._facts,
            self._dialect,
            rewritten=tried.rewritten,
            probed=probed,
            unknown_is_open=self._captured is None,
        )
        left_open = list(result.open)
        skipped = list(result.skipped)
        if lacks:
            unprobed = [NotEvaluated(id=one, reason=lacks) for one in PROBED]
            left_open += unprobed if self._captured is None else []
            skipped += unprobed if self._captured is not None else []
        if tried.lacks:
            reason = msg("whether a change of type writes the table anew was not tried: {lacks}", lacks=tried.lacks)
            skipped.append(NotEvaluated(id="sql-type-change", reason=reason))
        return Outcome(result.findings, self._judged(bool(lacks)), skipped, left_open)

    def _judged(self, unprobed: bool) -> list[str]:
        mysql = self._dialect in MYSQL_FAMILY
        left = {*_POSTGRES_ONLY, *(PROBED if unprobed else ())} if mysql else set(_MYSQL_ONLY)
        return [one for one in of_step("lint") if one not in left]

    # --- the application --------------------------------------------------------------------------------------------

    def _rendered(self, ground: Ground) -> tuple[tuple[RevisionSql, ...], tuple[Unreadable, ...]]:
        pending = ground.pending or ()
        try:
            with self._workshop.database(()) as empty:
                return read_sql(pending, lambda a, b: self._render(empty.url, a, b), self._dialect, self._version_table)
        except DbopsError:
            nowhere = _NOWHERE[self._dialect]
            return read_sql(pending, lambda a, b: self._render(nowhere, a, b), self._dialect, self._version_table)

    def _completed(
        self, ground: Ground, known: Sequence[RevisionSql], captured: Mapping[str, Sequence[str]]
    ) -> tuple[tuple[RevisionSql, ...], tuple[Unreadable, ...]]:
        """With what was heard in the place of what could not be rendered."""
        pending = ground.pending or ()
        have = {one.revision.id: one for one in known}
        wanted = [one for one in pending if one.id not in have]
        found, unread = read_sql(wanted, None, self._dialect, self._version_table, captured)
        have |= {one.revision.id: one for one in found}
        return tuple(have[one.id] for one in pending if one.id in have), unread

    def _tried(self, ground: Ground) -> Tried:
        """The pending revisions run on an empty database: what they execute, and which tables are written anew."""
        captured: dict[str, list[str]] = {}
        rewritten: dict[str, set[str]] = {one.id: set() for one in ground.pending or ()}
        try:
            with self._workshop.database(current_of(ground)) as database:
                for head in _heads(ground):
                    for one in database.upgrade(head).statements:
                        captured.setdefault(one.revision, []).append(one.sql)
                        rewritten.setdefault(one.revision, set()).update(
                            each.relation for each in one.rewritten if each.kind != "i"
                        )
        except DbopsError as error:
            return Tried(lacks=str(error))
        ran = {one.id for one in ground.pending or ()}
        return Tried(
            {name: found for name, found in captured.items() if name in ran},
            {name: frozenset(found) for name, found in rewritten.items()},
        )

    def _probed(self, ground: Ground, sql: Sequence[RevisionSql]) -> tuple[Mapping[str, Sequence[Fault]], str]:
        """Case 35, and why it could not be judged."""
        if self._dialect not in MYSQL_FAMILY:
            return {}, ""
        found: dict[str, Sequence[Fault]] = {}
        untold: list[str] = []
        facts = self._facts
        try:
            with self._workshop.database(current_of(ground)) as database, database.session() as session:
                session.empty()
                for one in sql:
                    answers = list(probe(session, one.steps, self._dialect, facts))
                    facts = facts.after(one)
                    found[one.revision.id] = list(faults(answers, facts))
                    untold += [
                        f"{each.step.statement.shown} ({each.refusal.text})"
                        for each in answers
                        if each.way is None and each.refusal is not None
                    ]
        except DbopsError as error:
            return {}, msg("no scratch server could be asked: {error}", error=error)
        return found, msg("the scratch server did not run: {reasons}", reasons="; ".join(untold[:5])) if untold else ""


def _heads(ground: Ground) -> list[str]:
    """Those that are pending, in the order in which Alembic comes to them: what one branch leaves, the next finds."""
    return [one.id for one in ground.pending or () if one.id in ground.history.heads]
