"""Reports, manifests, plans and errors as plain text for people, at most 80 columns where names allow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dbops.config.units import format_duration, format_size
from dbops.errors import DbopsError
from dbops.language import plural, tr, translated
from dbops.model import Failure, Finding, Manifest, NotEvaluated, Report, Severity
from dbops.report.layout import INDENT, WIDTH, block, wrap

__all__ = ["WIDTH", "block", "error", "finding", "manifest", "report", "table", "wrap"]
_MARK = {
    Severity.ERROR: tr("ERROR"),
    Severity.OVER_TARGET: tr("OVER"),
    Severity.WARNING: tr("warning"),
    Severity.INFO: tr("ok"),
}


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
        by_reason.setdefault(translated(item.reason), []).append(item.id)
    for reason, names in by_reason.items():
        first, others = (f"{names[0]},", f"{', '.join(names[1:])}: ") if names[1:] else (names[0], "")
        yield block(tr("skipped"), first, others + reason)


def _verdict(value: Report) -> str:
    if value.evidence is not None or value.failure is not Failure.NONE:
        from dbops.report import drill_text

        return drill_text.verdict(value)
    subject = " ".join(part for part in (value.task, value.target, str(value.provenance.get("backup", ""))) if part)
    facts = [
        translated(form(value.provenance[name]))
        for name, form in (
            ("checks_passed", lambda count: plural(count, "{count} check passed", "{count} checks passed")),
            ("backups", lambda found: plural(len(found), "{count} backup", "{count} backups")),
            ("artifacts", lambda count: plural(count, "{count} file", "{count} files")),
            ("bytes", format_size),
            ("tables", lambda count: plural(count, "{count} table", "{count} tables")),
        )
        if name in value.provenance
    ]
    timings = [f"{tr(name)} {format_duration(seconds)}" for name, seconds in value.phases.items()]
    dry = [tr("dry run: nothing was changed")] if value.provenance.get("dry_run") else []
    return wrap(", ".join([subject, *facts, *timings, *dry]), f"{tr(value.verdict.value)}  ", " " * 6)


def finding(value: Finding) -> str:
    """Severity, id and what was found of what; the hint below."""
    subject, detail = translated(value.subject), translated(value.actual)
    if value.expected:
        detail = tr(
            "expected {expected}, found {actual}", expected=translated(value.expected), actual=detail or tr("nothing")
        )
    text = f"{subject}: {detail}" if detail and value.subject != value.id else detail or subject
    mark = tr("note") if value.severity is Severity.INFO and value.expected else _MARK[value.severity]
    return block(mark, value.id, text) + "".join(map(_hint, translated(value.hint).splitlines()))


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
        tr(
            "backup   {backup} of {target}: {bytes} in {seconds}\nholds    {tables}, {rows}; "
            "inventory {level} ({basis})\nin       {store}/{target}/{backup}/\n{keys}",
            backup=value.id,
            target=value.target,
            bytes=format_size(value.bytes),
            seconds=format_duration(seconds),
            tables=plural(len(inventory.tables), "{count} table", "{count} tables"),
            rows=plural(value.rows, "{count} row", "{count} rows"),
            level=inventory.level,
            basis=inventory.basis,
            store=store.rstrip("/"),
            keys=tr("readable by {keys}\n", keys=", ".join(value.method.keys)) if value.method.keys else "",
        )
    )


def error(value: DbopsError) -> str:
    """What happened, on what, and what to do."""
    return "".join(
        [
            tr("error: {message}\n", message=translated(value.message)),
            *(f"  {line}\n" for line in translated(value.hint).splitlines()),
        ]
    )
