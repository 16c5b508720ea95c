"""A drill in the terminal: what was proved, with its figures, and the verdict with its class of failure in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dbops.config.units import format_duration, format_size
from dbops.evidence import Evidence
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
    yield wrap(f"source {proof.stored.sign} archive: {_plain(proof.stored.why)}", "proof    ", " " * 9)
    yield wrap(f"archive {proof.restored.sign} copy: {_plain(proof.restored.why)}", "         ", " " * 9)
    if evidence.tables:
        counts = [f"{proof.matches[match]} {words}" for match, words in MATCHES.items() if proof.matches[match]]
        rows = proof.copy_rows if proof.rows is None else proof.rows
        yield wrap(f"{', '.join(counts)}; {rows} rows", "tables   ", " " * 9)
    if evidence.objects:
        different = sum(kind.different for kind in evidence.objects)
        total = sum(kind.copy for kind in evidence.objects)
        compared = f", {different} different" if evidence.inventory_level else ""
        yield wrap(f"{total} of {len(evidence.objects)} kinds in the copy{compared}", "objects  ", " " * 9)
    if holding := [probe for probe in evidence.probes if not probe.found]:
        tried = sum(probe.tried for probe in holding)
        yield wrap(f"{len(holding)} kinds hold, tried on {tried} things", "probes   ", " " * 9)
    for probe in evidence.probes:
        if probe.found:
            yield block("probe", probe.id, f"{probe.title}: {probe.found} found, {probe.tried} tried")
    if evidence.sandbox is not None:
        facts = evidence.sandbox
        manner = "tuned to restore fast" if facts.tuned else "like production"
        end = f"; {facts.teardown}" if facts.teardown else ""
        yield wrap(f"{facts.engine} {facts.version} ({facts.kind}), {manner}{end}", "server   ", " " * 9)
    if value.phases:
        timings = [f"{name} {format_duration(seconds)}" for name, seconds in value.phases.items()]
        yield wrap(", ".join(timings), "phases   ", " " * 9)


def _plain(text: str) -> str:
    return text.replace("\N{NARROW NO-BREAK SPACE}", "")


def verdict(value: Report) -> str:
    """`FAIL (over target): drill finanzas 2026…, RTO 41 min 12 s (target 30 min), RPO 27 min 45 s (target 1 d)`."""
    head = headline(value)
    kind = f" ({CLASSES[value.failure]})" if value.failure is not Failure.NONE else ""
    subject = " ".join(part for part in (value.task, value.target, str(value.provenance.get("backup", ""))) if part)
    parts = [subject, *_figures(value)]
    told = f"{_plain(head.text)}. {', '.join(parts)}"
    if value.failure not in (Failure.NONE, Failure.OVER_TARGET) and head.advice:
        reason = shorten("; ".join(line.strip() for line in head.advice.splitlines()), _REASON)
        told = f"{_plain(reason).removesuffix('.')}. {', '.join(parts)}"
    return wrap(told, f"{head.word}{kind}: ", " " * 6)


def _figures(value: Report) -> Iterator[str]:
    evidence = value.evidence
    if evidence is None:
        facts: dict[str, Any] = value.provenance
        if isinstance(facts.get("backups"), list):
            count = sum(bool(item["id"]) for item in facts["backups"])
            yield f"{count} backup{'s' if count != 1 else ''}"
        if isinstance(facts.get("checks_passed"), int):
            yield f"{facts['checks_passed']} checks passed"
        yield from (f"{name} {format_duration(seconds)}" for name, seconds in value.phases.items())
        return
    if evidence.archive_bytes:
        yield format_size(evidence.archive_bytes)
    by = "" if evidence.inventory_level else str(value.provenance.get("newest_row_by", ""))
    for name, seconds, allowed, basis in (
        ("RTO", evidence.rto_seconds, evidence.rto_allowed, ""),
        ("RPO", evidence.rpo_seconds, evidence.rpo_allowed, by),  # a file's date says little about its rows
    ):
        if seconds is not None:
            target = f"target {format_duration(allowed)}" if allowed is not None else ""
            more = "; ".join(filter(None, (basis, target)))
            yield f"{name} {format_duration(seconds)}" + (f" ({more})" if more else "")
