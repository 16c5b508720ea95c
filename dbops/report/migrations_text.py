"""`status`, `gate`, `rehearse` and `migrate` as plain text: where the database stands, what is pending, what was found,
and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dbops.config.units import format_duration
from dbops.language import plural, tr, translated
from dbops.migrations.history import History, Standing
from dbops.migrations.rules import RULES
from dbops.migrations.suppressions import Suppressed
from dbops.model import Severity, Verdict
from dbops.ops.migration_report import MigrationReport, Pending
from dbops.report import rehearsal_text, text
from dbops.report.clean import flat
from dbops.report.layout import block, wrap

_SHOWN_PENDING = 50
_STANDINGS = {
    Standing.AT_HEAD: tr("at the head of the code"),
    Standing.BEHIND: tr("behind the code"),
    Standing.AHEAD: tr("ahead of the code: an older release is checked out here"),
    Standing.BESIDE: tr("beside the code: each has what the other lacks"),
    Standing.UNKNOWN: tr("at a revision that the code does not have"),
}


def status(report: MigrationReport, history: History) -> str:
    """Where everything is first; conflicts; one line at the end that says what to do."""
    lines = [_database(report), _code(report, history), *_pending(report.pending, report.since)]
    found = [one for one in report.findings if one.severity is not Severity.INFO]
    if found:
        lines.append("\n")
    lines += map(text.finding, found)
    lines += map(_suppressed, report.suppressed)
    lines += text.skipped(one for one in report.not_evaluated if one.id != "database")
    return "".join([*lines, "\n", _next(report, len(found))])


def gate(report: MigrationReport, history: History) -> str:
    """Findings, what is suppressed, what was not evaluated, the figures of a rehearsal; the verdict as the last
    line. Also for `rehearse` and `migrate`, which begin with a gate."""
    lines = [_database(report), _code(report, history), *_pending(report.pending, report.since), "\n"]
    lines += map(text.finding, report.findings)
    lines += map(_suppressed, report.suppressed)
    lines += text.skipped(report.not_evaluated)
    if report.rehearsal is not None:
        lines += ["\n", *rehearsal_text.figures(report.rehearsal), "\n"]
    return "".join([*lines, _verdict(report)])


def rules() -> str:
    """The table of all rules."""
    lines = []
    for rule in RULES.values():
        mark = f"{rule.severity.value}{'!' if rule.firm else ''}"
        lines.append(wrap(tr(rule.why), f"{rule.id:<32} {mark:<9} ", " " * 4))
        lines.append(wrap(tr(rule.fix), "    -> ", "       "))
    return "".join(lines) + (
        tr(
            '\n! stands always. Any other, in dbops.toml: [targets.NAME.migrations.rules], RULE = "off", '
            '"error", "warning" or "info".\n'
        )
    )


def rules_document() -> list[dict[str, str | bool]]:
    """The rules of the gate, for machines."""
    return [
        {
            "id": rule.id,
            "step": rule.step,
            "severity": rule.severity.value,
            "firm": rule.firm,
            "cases": rule.cases,
            "why": rule.why,
            "fix": rule.fix,
        }
        for rule in RULES.values()
    ]


def _database(report: MigrationReport) -> str:
    if report.current is None:
        return wrap(tr("not looked at"), tr("database  "), " " * 10)
    where = str(report.provenance.get("version_table", "alembic_version"))
    rows = ", ".join(map(flat, report.current)) or tr("nothing in {where}: no revision was applied", where=where)
    standing = _STANDINGS.get(Standing(report.standing), "") if report.standing else tr("not judged")
    return wrap(f"{rows} ({standing})", tr("database  "), " " * 10)


def _code(report: MigrationReport, history: History) -> str:
    heads = [f"{name} {flat(history[name].message)}".strip() for name in report.heads]
    word = (
        tr("one head") if len(heads) == 1 else tr("{count} heads", count=len(heads)) if heads else tr("heads not known")
    )
    base = tr(", merged with {branch}", branch=report.provenance["base"]) if report.provenance.get("base") else ""
    count = len(history.revisions)
    named = f": {', '.join(heads[:10])}{' …' if heads[10:] else ''}" if heads else ""
    return wrap(
        f"{_revisions(count)}{base}, {word}{named}",
        tr("code      "),
        " " * 10,
    )


def _pending(pending: Sequence[Pending] | None, since: str) -> Iterator[str]:
    if pending is None:
        yield wrap(tr("not known"), tr("pending   "), " " * 10)
        return
    what = "" if since == "database" else tr(" (what {since} lacks)", since=since)
    if not pending:
        yield wrap(tr("nothing{what}", what=what), tr("pending   "), " " * 10)
        return
    yield wrap(tr("{count}{what}, in this order:", count=len(pending), what=what), tr("pending   "), " " * 10)
    for place, one in enumerate(pending[:_SHOWN_PENDING], 1):
        merges = tr(" (merges {down})", down=", ".join(one.down)) if len(one.down) > 1 else ""
        yield wrap(f"{one.id}  {flat(one.message)}{merges}  [{flat(one.file)}]", f"{place:>10}. ", " " * 12)
    if len(pending) > _SHOWN_PENDING:
        yield wrap(tr("and {count} more", count=len(pending) - _SHOWN_PENDING), " " * 12, " " * 12)


def _suppressed(one: Suppressed) -> str:
    said = tr(
        "until {expires} by {owner}: {reason} [{where}]",
        expires=one.by.expires,
        owner=one.by.owner,
        reason=one.by.reason,
        where=one.by.where,
    )
    return block(tr("allowed"), one.finding.id, f"{one.finding.subject}: {translated(one.finding.actual)}; {said}")


def _next(report: MigrationReport, found: int) -> str:
    """The end of `status`: what this comes to."""
    if report.verdict is Verdict.FAIL:
        named = tr("the finding") if found == 1 else tr("the {found} findings", found=found)
        return wrap(
            tr("an upgrade would not go as it should: see {named} above", named=named), tr("CONFLICT  "), " " * 10
        )
    if report.verdict is Verdict.INCONCLUSIVE:
        return wrap(
            tr("not all of the history could be read: what is missing may be in conflict"), tr("UNKNOWN  "), " " * 9
        )
    if report.pending is None:
        return wrap(tr("no conflict in the files"), tr("OK  "), " " * 4)
    if not report.pending:
        return wrap(tr("nothing to do"), tr("OK  "), " " * 4)
    return wrap(
        tr(
            "no conflict; before they run: dbops gate ({revisions} pending)",
            revisions=_revisions(len(report.pending)),
        ),
        tr("OK  "),
        " " * 4,
    )


def _verdict(report: MigrationReport) -> str:
    word = {
        Verdict.PASS: tr("nothing speaks against it"),
        Verdict.FAIL: tr("no-go"),
        Verdict.INCONCLUSIVE: tr("not everything could be judged"),
    }[report.verdict]
    if report.verdict is Verdict.PASS and report.current is not None:
        word = tr("go")
    if report.task in ("migrate", "rehearse"):
        word = rehearsal_text.verdict(report)
    facts = [_judged(len(report.evaluated)), _time(report.phases.values())]
    if report.suppressed:
        facts.insert(1, tr("{count} suppressed", count=len(report.suppressed)))
    subject = f"{report.task} {report.target}".strip()
    return wrap(f"{subject}: {word} ({', '.join(facts)})", f"{tr(report.verdict.value)}  ", " " * 6)


def _time(seconds: Iterable[float]) -> str:
    return format_duration(sum(seconds))


def _revisions(count: int) -> str:
    return translated(plural(count, "{count} revision", "{count} revisions"))


def _judged(count: int) -> str:
    return tr("{count} rule judged", count=count) if count == 1 else tr("{count} rules judged", count=count)
