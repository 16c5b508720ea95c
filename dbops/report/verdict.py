"""What a run comes to, in words: the same ones in every form of a report."""

from __future__ import annotations

from typing import NamedTuple

from dbops.evidence import Evidence, Match
from dbops.language import msg, plural
from dbops.model import Failure, Finding, Report, Severity, Verdict
from dbops.report.clean import flat, number, shorten

_TONES = {
    Failure.BAD_BACKUP: "bad",
    Failure.OVER_TARGET: "over",
    Failure.RULE_BROKEN: "bad",
    Failure.ENVIRONMENT: "unknown",
    Failure.BROKEN: "broken",
}
_VERDICT_TONES = {Verdict.PASS: "good", Verdict.FAIL: "bad", Verdict.INCONCLUSIVE: "unknown"}
CLASSES = {
    Failure.BAD_BACKUP: msg("bad backup"),
    Failure.OVER_TARGET: msg("over target"),
    Failure.RULE_BROKEN: msg("rule broken"),
    Failure.ENVIRONMENT: msg("environment"),
    Failure.BROKEN: msg("broken"),
}
"""Each class of failure in two words or less."""
_NAMED = 3
"""Errors that are named in a headline."""
GRAVE = (Severity.ERROR, Severity.OVER_TARGET)


class Headline(NamedTuple):
    """`word`: PASS, FAIL, INCONCLUSIVE. `text`: what it means. `advice`: why, or what to do, '' if nothing is to be
    said. `tone`: `good`, `bad`, `over`, `unknown` or `broken`, for colours and marks."""

    word: str
    text: str
    advice: str
    tone: str


def about(report: Report) -> str:
    """What a run was about: a target, a folder of revisions that no target was named for, or all targets."""
    return report.target or str(report.provenance.get("directory", "")) or msg("every target")


def headline(report: Report) -> Headline:
    """The verdict as a sentence for whoever reads nothing else."""
    text, advice = _said(report)
    tone = _TONES.get(report.failure, _VERDICT_TONES[report.verdict])
    return Headline(report.verdict.value, text, advice, tone)


def _said(report: Report) -> tuple[str, str]:
    many = report.task == "check" or isinstance(report.provenance.get("backups"), list)
    match report.failure:
        case Failure.BAD_BACKUP:
            text = msg("a backup is bad") if many else msg("the backup is bad")
            return text, msg("{errors}. Use another backup, and look why.", errors=_errors(report))
        case Failure.OVER_TARGET:
            subject = msg("the backups are good, but one is") if many else msg("the backup is good, but")
            return msg("{subject} over its {missed}", subject=subject, missed=_missed(report)), _first(
                report, Severity.OVER_TARGET
            )
        case Failure.RULE_BROKEN:
            return msg("a rule of the project is broken; no backup is to blame"), msg(
                "{errors}.", errors=_errors(report)
            )
        case Failure.ENVIRONMENT:
            if many:
                return _unproved(report), _reason(report)
            return msg("the environment lacks something; nothing is known about the backup"), _reason(report)
        case Failure.BROKEN:
            what = msg("a check") if report.task == "check" else msg("the {task}", task=report.task)
            itself = msg("could not be run") if report.task == "check" else msg("itself broke")
            known = "" if many else msg("; nothing is known about the backup")
            return msg("{what} {itself}{known}", what=what, itself=itself, known=known), _reason(report)
    if report.task == "check":
        return _checked(report)
    if report.task == "drill":
        return _drilled(report, many=many)
    if report.task == "gate":
        return _gated(report)
    if report.verdict is Verdict.PASS:
        return msg("{task} found nothing wrong", task=report.task), ""
    return msg(
        "{task}: {errors}",
        task=report.task,
        errors=_errors(report) if report.verdict is Verdict.FAIL else msg("not everything was judged"),
    ), ""


def _checked(report: Report) -> tuple[str, str]:
    if report.verdict is Verdict.PASS:
        count = report.provenance.get("checks_passed")
        return msg("the backups restore, and every check holds"), (
            plural(count, "{count} check passed.", "{count} checks passed.") if count else ""
        )
    return (
        (_unproved(report), _reason(report)) if report.verdict is Verdict.INCONCLUSIVE else (msg("a check failed"), "")
    )


def _unproved(report: Report) -> str:
    """How much is missing of a run over several targets or backups."""
    if report.task == "check":
        return msg("not every target was proved") if report.provenance.get("proved") else msg("nothing was proved")
    some = any(item.get("verdict") == Verdict.PASS.value for item in report.provenance["backups"])
    return msg("not every backup was proved") if some else msg("nothing was proved")


def _gated(report: Report) -> tuple[str, str]:
    match report.verdict:
        case Verdict.PASS:
            return msg("no rule speaks against these revisions"), ""
        case Verdict.FAIL:
            return msg("these revisions must not be applied as they are"), msg("{errors}.", errors=_errors(report))
        case Verdict.INCONCLUSIVE:
            return msg("not everything could be judged"), report.not_evaluated[0].reason if report.not_evaluated else ""


def _drilled(report: Report, *, many: bool) -> tuple[str, str]:
    if report.verdict is Verdict.FAIL:
        return msg("the drill found errors"), msg("{errors}.", errors=_errors(report))
    if report.verdict is Verdict.INCONCLUSIVE:
        return msg("the copy could not be judged"), _reason(report)
    if many:
        return msg("these backups restore, and the copies equal what was backed up"), ""
    if not known(report.evidence):
        return msg("this backup restores; there was no inventory to compare its content with"), ""
    return msg("this backup restores, and {proved}", proved=proved(report.evidence)), ""


def known(evidence: Evidence | None) -> bool:
    """Whether there was anything to compare the copy with."""
    return evidence is not None and bool(evidence.inventory_level)


def proved(evidence: Evidence | None) -> str:
    """How much of 'the copy equals its source' a drill that passed has shown; never more than that."""
    if evidence is None or not known(evidence):
        return msg("there was nothing to compare the copy with")
    matches = [table.match for table in evidence.tables]
    counted, unknown = matches.count(Match.COUNTED), matches.count(Match.UNKNOWN)
    if counted + unknown == len(matches) and matches:
        return (
            msg("the copy has as many rows as its source")
            if counted
            else msg("there was nothing to compare the copy with")
        )
    if counted + unknown:
        left = counted + unknown
        return msg(
            "its rows are equal, except that {counted} of {all} tables were only counted",
            counted=number(left),
            all=number(len(matches)),
        )
    return (
        msg("the copy equals its source")
        if evidence.inventory_level == "content"
        else msg("the copy equals its archive")
    )


def missed(report: Report) -> list[str]:
    """`RTO`, `RPO`: the targets of the policy that were missed."""
    ids = {finding.id for finding in report.findings if finding.severity is Severity.OVER_TARGET}
    return [name for name in ("RTO", "RPO") if any(name.lower() in kind for kind in ids)]


def _missed(report: Report) -> str:
    return " and its ".join(missed(report)) or "target"


def _errors(report: Report) -> str:
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    named = [shorten(flat(f"{finding.id} {finding.subject}"), 120) for finding in errors[:_NAMED]]
    more = msg(" and {number} more", number=number(len(errors) - _NAMED)) if len(errors) > _NAMED else ""
    return plural(
        len(errors),
        "{count} error found: {named}{more}",
        "{count} errors found: {named}{more}",
        count=number(len(errors)),
        named=", ".join(named),
        more=more,
    )


def _first(report: Report, severity: Severity) -> str:
    return next((sentence(finding) for finding in report.findings if finding.severity is severity), "")


def sentence(finding: Finding) -> str:
    """`rto: expected at most 5 min 0 s, found 6 min 12 s`."""
    if finding.expected:
        return msg(
            "{finding}: expected {expected}, found {actual}",
            finding=finding.id,
            expected=finding.expected,
            actual=finding.actual or msg("nothing"),
        )
    return msg("{finding}: {actual}", finding=finding.id, actual=finding.actual) if finding.actual else finding.id


def _reason(report: Report) -> str:
    """Why nothing is known: what a drill noted last, or the reasons of a run of checks."""
    items = report.not_evaluated
    if not items:
        return ""
    if report.task == "check" and len(items) > 1:
        return msg("{reason} (and {count} more)", reason=items[0].reason, count=len(items) - 1)
    return items[-1].reason


def grave(report: Report) -> list[Finding]:
    """Findings that make the verdict FAIL."""
    return [finding for finding in report.findings if finding.severity in GRAVE]
