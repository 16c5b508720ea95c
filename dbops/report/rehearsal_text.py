"""A rehearsal as plain text: what each statement took and locked, what is lost, and the way back."""

from __future__ import annotations

from collections.abc import Iterator

from dbops.config.units import format_duration
from dbops.language import plural, tr, translated
from dbops.model import Verdict
from dbops.ops.migration_report import MigrationReport
from dbops.ops.rehearse_facts import Rehearsal
from dbops.report.clean import flat
from dbops.report.layout import wrap

_SHOWN = 20
_SQL = 100


def figures(facts: Rehearsal) -> Iterator[str]:
    """What a rehearsal has measured, for the reports that it is a part of."""
    if len(facts.pending) == 1:
        ran = tr("{pending} on backup {backup}", pending=facts.pending[0], backup=facts.backup)
    else:
        ran = tr("{count} revisions on backup {backup}", count=len(facts.pending), backup=facts.backup)
    yield wrap(
        tr("{ran}, upgrade {upgrade_seconds}", ran=ran, upgrade_seconds=format_duration(facts.upgrade_seconds)),
        tr("rehearsed "),
        " " * 10,
    )
    slowest = sorted(facts.statements, key=lambda one: -one.seconds)[:_SHOWN]
    for one in (each for each in facts.statements if each in slowest):
        rows = tr(", {rows} rows", rows=one.rows) if one.rows else ""
        rewritten = tr(", writes {rewritten} anew", rewritten=", ".join(one.rewritten)) if one.rewritten else ""
        yield wrap(f"{one.seconds:8.3f} s  {_short(flat(one.sql))}{rows}{rewritten}", " " * 2, " " * 14)
    if len(facts.statements) > len(slowest):
        yield wrap(tr("and {count} quicker statements", count=len(facts.statements) - len(slowest)), " " * 12, " " * 12)
    for lock in facts.locks[:_SHOWN]:
        what = tr("reads and writes") if lock.blocks == "reads" else tr("writes")
        yield wrap(
            tr(
                "{table}: {what} wait for {seconds:.3f} s ({mode})",
                table=lock.table,
                what=what,
                seconds=lock.seconds,
                mode=lock.mode,
            ),
            tr("  blocks    "),
            " " * 14,
        )
    if facts.unobserved:
        what = (
            tr("one statement") if facts.unobserved == 1 else tr("{unobserved} statements", unobserved=facts.unobserved)
        )
        yield wrap(
            tr("of {what} no lock was seen: over before a look, or not shown", what=what), tr("  blocks    "), " " * 14
        )
    for table in facts.tables[:_SHOWN]:
        before = (
            tr("none")
            if table.rows_before is None
            else translated(plural(table.rows_before, "{count} row", "{count} rows"))
        )
        after = (
            tr("none")
            if table.rows_after is None
            else translated(plural(table.rows_after, "{count} row", "{count} rows"))
        )
        columns = [f"-{name}" for name in table.columns_gone] + [f"+{name}" for name in table.columns_new]
        yield wrap(f"{table.name}: {before} -> {after} {' '.join(columns)}".rstrip(), tr("  table     "), " " * 14)
    yield wrap(way_back(facts), tr("way back  "), " " * 10)


def _short(sql: str) -> str:
    return sql if len(sql) <= _SQL else f"{sql[:_SQL]} …"


def way_back(facts: Rehearsal) -> str:
    """One sentence."""
    back = facts.way_back
    why = f" ({translated(back.why)})" if back.why else ""
    if back.kind == "none":
        return tr("none was shown to work{why}", why=why)
    how = tr("downgrade: it brought rows and schema back") if back.kind == "downgrade" else tr("restore{why}", why=why)
    return tr("{how}, in {seconds}: {command}", how=how, seconds=format_duration(back.seconds), command=back.command)


def verdict(report: MigrationReport) -> str:
    """What a migration, or the rehearsal of one, came to: for the last line."""
    if report.task == "migrate":
        if report.provenance.get("dry_run"):
            return tr("dry run: the database was not changed")
        if report.verdict is Verdict.PASS:
            applied = report.provenance.get("applied")
            return tr("migrated: {applied}", applied=", ".join(applied)) if applied else tr("nothing to do")
        return tr("not migrated")
    words = {
        Verdict.PASS: tr("it runs"),
        Verdict.FAIL: tr("it must not run"),
        Verdict.INCONCLUSIVE: tr("it could not be tried"),
    }
    return words[report.verdict]
