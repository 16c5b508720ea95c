"""Reports, manifests, plans and errors as plain text for people, at most 80 columns where names allow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dbops.config.units import format_duration, format_size
from dbops.errors import DbopsError
from dbops.model import Failure, Finding, Manifest, NotEvaluated, Report, Severity
from dbops.report.layout import INDENT, WIDTH, block, wrap

__all__ = ["WIDTH", "block", "error", "finding", "manifest", "report", "table", "wrap"]
_MARK = {Severity.ERROR: "ERROR", Severity.OVER_TARGET: "OVER", Severity.WARNING: "warning", Severity.INFO: "ok"}


def report(value: Report) -> str:
    """Findings, what was not judged, what was proved, and the verdict as the last line."""
    findings = "".join(map(finding, value.findings))
    return findings + "".join(skipped(value.not_evaluated)) + _proved(value) + _verdict(value)


def _proved(value: Report) -> str:
    if value.evidence is None:
        return ""
    from dbops.report import drill_text

    return drill_text.proved(value)


def skipped(items: Iterable[NotEvaluated]) -> Iterator[str]:
    """What was not judged: things with one reason are told together, the reason once."""
    by_reason: dict[str, list[str]] = {}
    for item in items:
        by_reason.setdefault(item.reason, []).append(item.id)
    for reason, names in by_reason.items():
        first, others = (f"{names[0]},", f"{', '.join(names[1:])}: ") if names[1:] else (names[0], "")
        yield block("skipped", first, others + reason)


def _verdict(value: Report) -> str:
    if value.evidence is not None or value.failure is not Failure.NONE:
        from dbops.report import drill_text

        return drill_text.verdict(value)
    subject = " ".join(part for part in (value.task, value.target, str(value.provenance.get("backup", ""))) if part)
    facts = [
        form(value.provenance[name])
        for name, form in (
            ("checks_passed", lambda count: f"{count} checks passed"),
            ("backups", lambda found: f"{len(found)} backups"),
            ("artifacts", lambda count: f"{count} files"),
            ("bytes", format_size),
            ("tables", lambda count: f"{count} tables"),
        )
        if name in value.provenance
    ]
    timings = [f"{name} {format_duration(seconds)}" for name, seconds in value.phases.items()]
    dry = ["dry run: nothing was changed"] if value.provenance.get("dry_run") else []
    return wrap(", ".join([subject, *facts, *timings, *dry]), f"{value.verdict.value}  ", " " * 6)


def finding(value: Finding) -> str:
    """Severity, id and what was found of what; the hint below."""
    detail = value.actual
    if value.expected:
        detail = f"expected {value.expected}, found {value.actual or 'nothing'}"
    text = f"{value.subject}: {detail}" if detail and value.subject != value.id else detail or value.subject
    mark = "note" if value.severity is Severity.INFO and value.expected else _MARK[value.severity]
    return block(mark, value.id, text) + "".join(map(_hint, value.hint.splitlines()))


def _hint(line: str) -> str:
    return wrap(line, f"{INDENT}-> ", f"{INDENT}   ")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they need to be, two spaces between them."""
    lines = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(heads))]
    return "".join("  ".join(f"{c:<{w}}" for c, w in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines)


def manifest(value: Manifest, store: str) -> str:
    """What a backup that has just been made holds, and where it is."""
    seconds = (value.finished_at - value.started_at).total_seconds()
    inventory = value.inventory
    return "".join(map(finding, value.findings)) + (
        f"backup   {value.id} of {value.target}: {format_size(value.bytes)} in {format_duration(seconds)}\n"
        f"holds    {len(inventory.tables)} tables, {value.rows} rows; inventory {inventory.level} ({inventory.basis})\n"
        f"in       {store.rstrip('/')}/{value.target}/{value.id}/\n"
        + (f"readable by {', '.join(value.method.keys)}\n" if value.method.keys else "")
    )


def error(value: DbopsError) -> str:
    """What happened, on what, and what to do."""
    return "".join([f"error: {value.message}\n", *(f"  {line}\n" for line in value.hint.splitlines())])
