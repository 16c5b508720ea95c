"""A drill in the terminal: what was proved, with its figures, and the verdict with its class of failure in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dbops.config.units import format_duration, format_size
from dbops.evidence import Evidence
from dbops.language import plural, tr, translated
from dbops.model import Failure, Report
from dbops.report.clean import shorten
from dbops.report.layout import block, wrap
from dbops.report.proof import prove
from dbops.report.sections import MATCHES
from dbops.report.verdict import CLASSES, headline

_REASON = 600
"""Characters of a reason on the last line; it was told in full above."""


def proved(value: Report) -> str:
    """Source, archive and copy; tables, objects and probes; the server, the phases. '' without evidence."""
    return "" if value.evidence is None else "".join(_lines(value, value.evidence))


def _lines(value: Report, evidence: Evidence) -> Iterator[str]:
    proof = prove(value)
    yield wrap(
        tr("source {sign} archive: {why}", sign=proof.stored.sign, why=_plain(translated(proof.stored.why))),
        tr("proof    "),
        " " * 9,
    )
    yield wrap(
        tr("archive {sign} copy: {why}", sign=proof.restored.sign, why=_plain(translated(proof.restored.why))),
        "         ",
        " " * 9,
    )
    if evidence.tables:
        counts = [f"{proof.matches[match]} {tr(words)}" for match, words in MATCHES.items() if proof.matches[match]]
        rows = proof.copy_rows if proof.rows is None else proof.rows
        held = [] if rows is None else [translated(plural(rows, "{count} row", "{count} rows"))]
        yield wrap("; ".join([", ".join(counts), *held]), tr("tables   "), " " * 9)
    if evidence.objects:
        different = sum(kind.different for kind in evidence.objects)
        total = sum(kind.copy for kind in evidence.objects)
        compared = tr(", {different} different", different=different) if evidence.inventory_level else ""
        yield wrap(
            tr(
                "{total} of {kinds} in the copy{compared}",
                total=total,
                kinds=plural(len(evidence.objects), "{count} kind", "{count} kinds"),
                compared=compared,
            ),
            tr("objects  "),
            " " * 9,
        )
    if holding := [probe for probe in evidence.probes if not probe.found]:
        tried = sum(probe.tried for probe in holding)
        yield wrap(
            tr(
                "{kinds}, tried on {things}",
                kinds=plural(len(holding), "{count} kind holds", "{count} kinds hold"),
                things=plural(tried, "{count} thing", "{count} things"),
            ),
            tr("probes   "),
            " " * 9,
        )
    for probe in evidence.probes:
        if probe.found:
            yield block(
                tr("probe"),
                probe.id,
                tr(
                    "{title}: {found} found, {tried} tried",
                    title=translated(probe.title),
                    found=probe.found,
                    tried=probe.tried,
                ),
            )
    if evidence.sandbox is not None:
        facts = evidence.sandbox
        manner = tr("tuned to restore fast") if facts.tuned else tr("like production")
        end = f"; {tr(facts.teardown)}" if facts.teardown else ""
        yield wrap(f"{facts.engine} {facts.version} ({facts.kind}), {manner}{end}", tr("server   "), " " * 9)
    if value.phases:
        timings = [f"{tr(name)} {format_duration(seconds)}" for name, seconds in value.phases.items()]
        yield wrap(", ".join(timings), tr("phases   "), " " * 9)


def _plain(text: str) -> str:
    return text.replace("\N{NARROW NO-BREAK SPACE}", "")


def verdict(value: Report) -> str:
    """`FAIL (over target): drill finanzas 2026…, RTO 41 min 12 s (target 30 min), RPO 27 min 45 s (target 1 d)`."""
    head = headline(value)
    kind = f" ({translated(CLASSES[value.failure])})" if value.failure is not Failure.NONE else ""
    subject = " ".join(part for part in (value.task, value.target, str(value.provenance.get("backup", ""))) if part)
    parts = [subject, *_figures(value)]
    told = f"{_plain(translated(head.text))}. {', '.join(parts)}"
    if value.failure not in (Failure.NONE, Failure.OVER_TARGET) and head.advice:
        reason = shorten("; ".join(line.strip() for line in translated(head.advice).splitlines()), _REASON)
        told = f"{_plain(reason).removesuffix('.')}. {', '.join(parts)}"
    return wrap(told, f"{tr(head.word)}{kind}: ", " " * 6)


def _figures(value: Report) -> Iterator[str]:
    evidence = value.evidence
    if evidence is None:
        facts: dict[str, Any] = value.provenance
        if isinstance(facts.get("backups"), list):
            count = sum(bool(item["id"]) for item in facts["backups"])
            yield translated(plural(count, "{count} backup", "{count} backups"))
        if isinstance(facts.get("checks_passed"), int):
            yield translated(plural(facts["checks_passed"], "{count} check passed", "{count} checks passed"))
        yield from (f"{tr(name)} {format_duration(seconds)}" for name, seconds in value.phases.items())
        return
    if evidence.archive_bytes:
        yield format_size(evidence.archive_bytes)
    by = "" if evidence.inventory_level else translated(str(value.provenance.get("newest_row_by", "")))
    for name, seconds, allowed, basis in (
        ("RTO", evidence.rto_seconds, evidence.rto_allowed, ""),
        ("RPO", evidence.rpo_seconds, evidence.rpo_allowed, by),  # a file's date says little about its rows
    ):
        if seconds is not None:
            target = tr("target {allowed}", allowed=format_duration(allowed)) if allowed is not None else ""
            more = "; ".join(filter(None, (basis, target)))
            yield f"{name} {format_duration(seconds)}" + (f" ({more})" if more else "")
