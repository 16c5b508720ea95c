"""`status` and `gate` as plain text: where the database stands, what is pending, what was found, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dbops.config.units import format_duration
from dbops.migrations.history import History, Standing
from dbops.migrations.rules import RULES
from dbops.migrations.suppressions import Suppressed
from dbops.model import Severity, Verdict
from dbops.ops.migration_report import MigrationReport, Pending
from dbops.report.clean import flat
from dbops.report.layout import block, wrap

_SHOWN_PENDING = 50
_STANDINGS = {
    Standing.AT_HEAD: "at the head of the code",
    Standing.BEHIND: "behind the code",
    Standing.AHEAD: "ahead of the code: an older release is checked out here",
    Standing.BESIDE: "beside the code: each has what the other lacks",
    Standing.UNKNOWN: "at a revision that the code does not have",
}


def status(report: MigrationReport, history: History) -> str:
    """Where everything is first; conflicts; one line at the end that says what to do."""
    from dbops.report import text

    lines = [_database(report), _code(report, history), *_pending(report.pending, report.since)]
    found = [one for one in report.findings if one.severity is not Severity.INFO]
    if found:
        lines.append("\n")
    lines += map(text.finding, found)
    lines += map(_suppressed, report.suppressed)
    lines += text.skipped(one for one in report.not_evaluated if one.id != "database")
    return "".join([*lines, "\n", _next(report, len(found))])


def gate(report: MigrationReport, history: History) -> str:
    """Findings, what is suppressed, what was not evaluated, and go or no-go as the last line."""
    from dbops.report import rehearsal_text, text

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
        lines.append(wrap(f"{rule.why}", f"{rule.id:<32} {mark:<9} ", " " * 4))
        lines.append(wrap(rule.fix, "    -> ", "       "))
    return "".join(lines) + (
        "\n! stands always. Any other, in dbops.toml: [targets.NAME.migrations.rules], RULE = "
        '"off", "error", "warning" or "info".\n'
    )


def rules_document() -> list[dict[str, str | bool]]:
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
        return wrap("not looked at", "database  ", " " * 10)
    where = str(report.provenance.get("version_table", "alembic_version"))
    rows = ", ".join(map(flat, report.current)) or f"nothing in {where}: no revision was applied"
    standing = _STANDINGS.get(Standing(report.standing), "") if report.standing else "not judged"
    return wrap(f"{rows} ({standing})", "database  ", " " * 10)


def _code(report: MigrationReport, history: History) -> str:
    heads = [f"{name} {flat(history[name].message)}".strip() for name in report.heads]
    word = "one head" if len(heads) == 1 else f"{len(heads)} heads" if heads else "heads not known"
    base = f", merged with {report.provenance['base']}" if report.provenance.get("base") else ""
    count = len(history.revisions)
    named = f": {', '.join(heads[:10])}{' …' if heads[10:] else ''}" if heads else ""
    return wrap(f"{count} revision{'s' * (count != 1)}{base}, {word}{named}", "code      ", " " * 10)


def _pending(pending: Sequence[Pending] | None, since: str) -> Iterator[str]:
    if pending is None:
        yield wrap("not known", "pending   ", " " * 10)
        return
    what = "" if since == "database" else f" (what {since} lacks)"
    if not pending:
        yield wrap(f"nothing{what}", "pending   ", " " * 10)
        return
    yield wrap(f"{len(pending)}{what}, in this order:", "pending   ", " " * 10)
    for place, one in enumerate(pending[:_SHOWN_PENDING], 1):
        merges = f" (merges {', '.join(one.down)})" if len(one.down) > 1 else ""
        yield wrap(f"{one.id}  {flat(one.message)}{merges}  [{flat(one.file)}]", f"{place:>10}. ", " " * 12)
    if len(pending) > _SHOWN_PENDING:
        yield wrap(f"and {len(pending) - _SHOWN_PENDING} more", " " * 12, " " * 12)


def _suppressed(one: Suppressed) -> str:
    said = f"until {one.by.expires} by {one.by.owner}: {one.by.reason} [{one.by.where}]"
    return block("allowed", one.finding.id, f"{one.finding.subject}: {one.finding.actual}; {said}")


def _next(report: MigrationReport, found: int) -> str:
    """The end of `status`: what this comes to."""
    if report.verdict is Verdict.FAIL:
        named = "the finding" if found == 1 else f"the {found} findings"
        return wrap(f"an upgrade would not go as it should: see {named} above", "CONFLICT  ", " " * 10)
    if report.verdict is Verdict.INCONCLUSIVE:
        return wrap("not all of the history could be read: what is missing may be in conflict", "UNKNOWN  ", " " * 9)
    if report.pending is None:
        return wrap("no conflict in the files", "OK  ", " " * 4)
    if not report.pending:
        return wrap("nothing to do", "OK  ", " " * 4)
    return wrap(
        f"no conflict; before they run: dbops gate ({_plural(len(report.pending), 'revision')} pending)",
        "OK  ",
        " " * 4,
    )


def _verdict(report: MigrationReport) -> str:
    word = {
        Verdict.PASS: "nothing speaks against it",
        Verdict.FAIL: "no-go",
        Verdict.INCONCLUSIVE: "not everything could be judged",
    }[report.verdict]
    if report.verdict is Verdict.PASS and report.current is not None:
        word = "go"
    if report.task in ("migrate", "rehearse"):
        from dbops.report import rehearsal_text

        word = rehearsal_text.verdict(report)
    facts = [_plural(len(report.evaluated), "rule") + " judged", _time(report.phases.values())]
    if report.suppressed:
        facts.insert(1, f"{len(report.suppressed)} suppressed")
    subject = f"{report.task} {report.target}".strip()
    return wrap(f"{subject}: {word} ({', '.join(facts)})", f"{report.verdict.value}  ", " " * 6)


def _time(seconds: Iterable[float]) -> str:
    return format_duration(sum(seconds))


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
