"""`rehearse` and `migrate` as plain text: what each statement took and locked, what is lost, and the way back."""

from __future__ import annotations

from collections.abc import Iterator

from dbops.config.units import format_duration
from dbops.migrations.history import History
from dbops.model import Verdict
from dbops.ops.migration_report import MigrationReport
from dbops.ops.rehearse_facts import Rehearsal
from dbops.report import migrations_text
from dbops.report.clean import flat
from dbops.report.layout import wrap

_SHOWN = 20
_SQL = 100


def rehearse(report: MigrationReport, history: History) -> str:
    """The findings, the figures, and the verdict as the last line."""
    return migrations_text.gate(report, history)


def migrate(report: MigrationReport, history: History) -> str:
    """As a gate's, since it begins with one."""
    return migrations_text.gate(report, history)


def figures(facts: Rehearsal) -> Iterator[str]:
    """What a rehearsal has measured, for the reports that it is a part of."""
    ran = f"{len(facts.pending)} revisions on backup {facts.backup}" if len(facts.pending) != 1 else (
        f"{facts.pending[0]} on backup {facts.backup}"
    )  # fmt: skip
    yield wrap(f"{ran}, upgrade {format_duration(facts.upgrade_seconds)}", "rehearsed ", " " * 10)
    slowest = sorted(facts.statements, key=lambda one: -one.seconds)[:_SHOWN]
    for one in (each for each in facts.statements if each in slowest):
        rows = f", {one.rows} rows" if one.rows else ""
        rewritten = f", writes {', '.join(one.rewritten)} anew" if one.rewritten else ""
        yield wrap(f"{one.seconds:8.3f} s  {_short(flat(one.sql))}{rows}{rewritten}", " " * 2, " " * 14)
    if len(facts.statements) > len(slowest):
        yield wrap(f"and {len(facts.statements) - len(slowest)} quicker statements", " " * 12, " " * 12)
    for lock in facts.locks[:_SHOWN]:
        what = "reads and writes" if lock.blocks == "reads" else "writes"
        yield wrap(f"{lock.table}: {what} wait for {lock.seconds:.3f} s ({lock.mode})", "  blocks    ", " " * 14)
    if facts.unobserved:
        what = "one statement" if facts.unobserved == 1 else f"{facts.unobserved} statements"
        yield wrap(f"of {what} no lock was seen: over before a look, or not shown", "  blocks    ", " " * 14)
    for table in facts.tables[:_SHOWN]:
        before = "none" if table.rows_before is None else f"{table.rows_before} rows"
        after = "none" if table.rows_after is None else f"{table.rows_after} rows"
        columns = [f"-{name}" for name in table.columns_gone] + [f"+{name}" for name in table.columns_new]
        yield wrap(f"{table.name}: {before} -> {after} {' '.join(columns)}".rstrip(), "  table     ", " " * 14)
    yield wrap(way_back(facts), "way back  ", " " * 10)


def _short(sql: str) -> str:
    return sql if len(sql) <= _SQL else f"{sql[:_SQL]} …"


def way_back(facts: Rehearsal) -> str:
    """One sentence."""
    back = facts.way_back
    why = f" ({back.why})" if back.why else ""
    if back.kind == "none":
        return f"none was shown to work{why}"
    how = "downgrade: it brought rows and schema back" if back.kind == "downgrade" else f"restore{why}"
    return f"{how}, in {format_duration(back.seconds)}: {back.command}"


def verdict(report: MigrationReport) -> str:
    """What a migration, or the rehearsal of one, came to: for the last line."""
    if report.task == "migrate":
        if report.provenance.get("dry_run"):
            return "dry run: the database was not changed"
        if report.verdict is Verdict.PASS:
            applied = report.provenance.get("applied")
            return f"migrated: {', '.join(applied)}" if applied else "nothing to do"
        return "not migrated"
    words = {Verdict.PASS: "it runs", Verdict.FAIL: "it must not run", Verdict.INCONCLUSIVE: "it could not be tried"}
    return words[report.verdict]
