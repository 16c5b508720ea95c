"""Lint: the SQL of the pending revisions against the rules, one revision after the other.

A table that a pending revision makes is empty and nobody knows it yet: what is done to it afterwards harms nobody. The
rules of one revision are judged by what those before it have made; old revisions are not judged at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from dbops.errors import NothingToCheckError, ToolError
from dbops.language import msg, some
from dbops.migrations import lint_gone, lint_mysql, lint_sequences, lint_squawk, lint_statements
from dbops.migrations.history import History
from dbops.migrations.lint_facts import Facts
from dbops.migrations.lint_statements import Fault
from dbops.migrations.rules import RULES
from dbops.migrations.sql_places import Places
from dbops.migrations.sql_revisions import RevisionSql, Unreadable
from dbops.migrations.sql_shape import shape
from dbops.migrations.sql_text import Statement
from dbops.model import Finding, NotEvaluated

STEP = "lint"
_EXPECTED = {
    "sql-index-blocks": (
        msg("an index built while writes go on"),
        msg("create it CONCURRENTLY, in an autocommit block"),
    ),
    "sql-index-drop": ("DROP INDEX CONCURRENTLY", msg("drop it CONCURRENTLY, in an autocommit block")),
    "sql-constraint": (
        msg("NOT VALID, validated afterwards"),
        msg("add it NOT VALID, and VALIDATE CONSTRAINT in a later revision"),
    ),
    "sql-not-null": (
        msg("no scan under an exclusive lock"),
        msg("add a CHECK (… IS NOT NULL) NOT VALID, validate it, then SET NOT NULL"),
    ),
    "sql-type-change": (
        msg("no rewrite under an exclusive lock"),
        msg("add a column of the new type, fill it, and move over"),
    ),
    "sql-rewrite": (
        msg("no rewrite under an exclusive lock"),
        msg("add it without the default, set the default, and fill it"),
    ),
}
_EFFECTS: dict[str, Callable[[str], str]] = {
    "sql-index-blocks": lambda about: msg("writes to {about} wait while the index is built", about=about),
    "sql-index-drop": lambda about: msg("whoever uses {about} waits for a moment", about=about),
    "sql-constraint": lambda about: msg("all of {about} is read while writes wait", about=about),
    "sql-not-null": lambda about: msg(
        "all of {about} is read while nobody uses it; and it fails at a NULL", about=about
    ),
    "sql-type-change": lambda about: msg(
        "{about} may be written anew while nobody uses it: it depends on the former type", about=about
    ),
    "sql-rewrite": lambda about: msg("{about} is written anew while nobody uses it", about=about),
}


class Linted(NamedTuple):
    """`skipped`: not asked for; `open`: should have been judged."""

    findings: tuple[Finding, ...]
    skipped: tuple[NotEvaluated, ...] = ()
    open: tuple[NotEvaluated, ...] = ()


def lint(
    history: History,
    sql: Sequence[RevisionSql],
    unreadable: Sequence[Unreadable],
    facts: Facts,
    dialect: str,
    *,
    rewritten: Mapping[str, frozenset[str]] | None = None,
    probed: Mapping[str, Sequence[Fault]] | None = None,
    unknown_is_open: bool = True,
) -> Linted:
    """`rewritten`: by revision, the tables that PostgreSQL wrote anew when it was tried; None: it was not. `probed`:
    what MySQL or MariaDB said of each revision. `unknown_is_open` False: a rehearsal shows what statements do that are
    not known here."""
    findings: list[Finding] = []
    left_open = [_not_analysable(one) for one in unreadable]
    unknown: list[str] = []
    for one in sql:
        places = Places(history.content(one.revision.id), one.revision.path, one.revision.line)
        try:
            faults = list(_faults(one, facts, dialect, rewritten))
        except (NothingToCheckError, ToolError) as error:
            return Linted(tuple(findings), open=(*left_open, NotEvaluated(id=STEP, reason=str(error))))
        faults += (probed or {}).get(one.revision.id, ())
        findings += [_finding(fault, places) for fault in faults if fault.rule]
        opaque = [fault.step.statement for fault in faults if not fault.rule]
        opaque += [step.statement for step in one.steps if not shape(step.statement).verb]
        unknown += dict.fromkeys(f"{places.of(each)} {each.shown}" for each in opaque)
        facts = facts.after(one)
    if not unknown:
        return Linted(tuple(findings), open=tuple(left_open))
    one_open = NotEvaluated(
        id=STEP, reason=msg("not known what these statements do: {unknown}", unknown=some(unknown, separator="; "))
    )
    if unknown_is_open:
        return Linted(tuple(findings), open=(*left_open, one_open))
    return Linted(tuple(findings), (one_open,), tuple(left_open))


def _faults(
    sql: RevisionSql, facts: Facts, dialect: str, rewritten: Mapping[str, frozenset[str]] | None
) -> Iterator[Fault]:
    if dialect != "postgres":
        yield from lint_statements.judge(sql.steps, facts, (*lint_mysql.MYSQL, *lint_gone.MYSQL))
        return
    known = {id(step): now for step, now in facts.along(sql.steps)}
    for said in lint_squawk.judge(sql.steps, facts.version):
        fault = _of_squawk(
            said, known[id(said.step)], (rewritten or {}).get(sql.revision.id) if rewritten is not None else None
        )
        if fault is not None:
            yield fault
    yield from lint_statements.judge(
        sql.steps, facts, (*lint_statements.POSTGRES, *lint_gone.POSTGRES, lint_mysql.becomes_required)
    )
    if sql.revision.id not in (rewritten or {}):  # one that ran would have been refused there
        yield from lint_sequences.enum_used(sql.steps)
    yield from lint_sequences.changes_under_lock(sql.steps, facts)


def _of_squawk(said: lint_squawk.Said, facts: Facts, rewritten: frozenset[str] | None) -> Fault | None:
    step, one = said.step, said.step.statement
    if not said.rule:
        return Fault("", step, "", "", "")
    found = facts.judged(step)
    table = found.table
    if facts.is_new(table):
        return None
    if said.rule == "sql-constraint" and one.has("ADD", "COLUMN") and not one.has("DEFAULT"):
        return None  # every row has NULL there: the server knows that there is nothing to validate
    if said.rule == "sql-drop":
        if found.verb == "ALTER TABLE" and not lint_mysql.gone_columns(step, found, facts):
            return None
        what = msg("table {table}", table=table)
        if found.verb != "DROP TABLE":
            what = msg("a column of {table}", table=table)
        return lint_mysql.drop_fault(step, table, what, facts)
    if said.rule == "sql-rename":
        if lint_mysql.only_added_renamed(step, found, facts):
            return None
        return lint_mysql.rename_fault(step, table, facts)
    if said.rule == "sql-required-column":
        return lint_mysql.required_fault(step, table, facts)
    severity = facts.weight(table)
    about = facts.about(table)
    effect = _EFFECTS[said.rule](about)
    if said.rule in ("sql-type-change", "sql-rewrite") and rewritten is not None:
        if not _among(table, rewritten):
            return None
        effect = msg("{about} is written anew while nobody uses it: tried on a scratch server", about=about)
    expected, hint = _EXPECTED[said.rule]
    if said.rule == "sql-index-drop":  # its size does not matter
        effect = _EFFECTS[said.rule](table or msg("its table"))
        return Fault(said.rule, step, table, expected, _with_statement(one, effect), hint)
    return Fault(said.rule, step, table, expected, _with_statement(one, effect), hint, severity)


def _among(table: str, found: frozenset[str]) -> bool:
    """Whether `orders` or `shop.orders` is one of `schema.table`."""
    return any(name == table or (("." not in table) and name.rpartition(".")[2] == table) for name in found)


def _finding(fault: Fault, places: Places) -> Finding:
    return Finding(
        id=fault.rule,
        severity=fault.severity or RULES[fault.rule].severity,
        subject=places.of(fault.step.statement),
        expected=fault.expected,
        actual=_with_statement(fault.step.statement, fault.actual),
        hint=fault.hint,
    )


def _with_statement(one: Statement, actual: str) -> str:
    return actual if one.shown in actual else msg("{shown}: {actual}", shown=one.shown, actual=actual)


def _not_analysable(one: Unreadable) -> NotEvaluated:
    return NotEvaluated(
        id=STEP, reason=msg("{path}: not analysable: {reason}", path=one.revision.path, reason=one.reason)
    )
