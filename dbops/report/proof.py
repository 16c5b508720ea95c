"""'Source = archive = copy', with what each sign rests on: only as much as the evidence of a drill says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from dbops.evidence import Evidence, Match, TableProof
from dbops.language import joined, msg, plural
from dbops.model import Finding, Report, Severity
from dbops.report.clean import number

EQUAL, DIFFERENT, OPEN = "=", "\N{NOT EQUAL TO}", "?"
_WORDS = {EQUAL: "equals", DIFFERENT: msg("differs from"), OPEN: msg("not proved to equal")}
_ARCHIVE = ("artifact-", "sums-", "archive-")
_OWN_RULES = frozenset({"invariant", "smoke"})
"""Findings about what the application wants: they say nothing of whether the copy equals the source."""


class Sign(NamedTuple):
    """How two of the three stand to each other: `=`, `≠` or `?`, and why."""

    sign: str
    why: str

    @property
    def words(self) -> str:
        """For whoever cannot see the mark."""
        return _WORDS[self.sign]


class Proof(NamedTuple):
    """Figures of the three places; None where they are not known. Sizes are bytes."""

    tables: int | None
    rows: int | None
    source_bytes: int | None
    files: int | None
    archive_bytes: int | None
    copy_tables: int | None
    copy_rows: int | None
    stored: Sign
    """Source and archive."""
    restored: Sign
    """Archive and copy."""
    matches: Counter[Match]


def prove(report: Report) -> Proof:
    """The proof that a drill amounts to. Without evidence, nothing is proved."""
    evidence = report.evidence or Evidence()
    sources = [table for table in evidence.tables if table.rows is not None]
    copies = [table for table in evidence.tables if table.copy_rows is not None]
    known = bool(evidence.inventory_level)
    tables, rows = len(sources), sum(table.rows or 0 for table in sources)
    if not evidence.tables and known:  # nothing was restored: the inventory's own figures
        tables, rows = _whole(report, "tables"), _whole(report, "rows")
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    matches = Counter(table.match for table in evidence.tables)
    return Proof(
        tables=tables if known else None,
        rows=rows if known else None,
        source_bytes=sum(table.bytes for table in sources) or None,
        files=evidence.archive_files or None,
        archive_bytes=evidence.archive_bytes or None,
        copy_tables=len(copies) if _restored(report) else None,
        copy_rows=sum(table.copy_rows or 0 for table in copies) if _restored(report) else None,
        stored=_stored(evidence, errors),
        restored=_copied(report, evidence, errors, matches),
        matches=matches,
    )


def _whole(report: Report, name: str) -> int:
    value = report.provenance.get(name)
    return value if isinstance(value, int) else 0


def _restored(report: Report) -> bool:
    return report.evidence is not None and bool(report.evidence.tables or "probe" in report.phases)


def _stored(evidence: Evidence, errors: Sequence[Finding]) -> Sign:
    damaged = sum(finding.id.startswith(_ARCHIVE) for finding in errors)
    if damaged:
        return Sign(DIFFERENT, msg("the stored files are not what was written ({count})", count=_findings(damaged)))
    if not evidence.archive_files:
        return Sign(OPEN, msg("the files were not read to their end"))
    match evidence.inventory_level:
        case "content":
            firm = {"snapshot": msg("one snapshot"), "locked": msg("one lock")}.get(evidence.inventory_basis)
            if firm is None:
                return Sign(
                    OPEN,
                    msg(
                        "inventory and dump do not share one moment ({inventory_basis})",
                        inventory_basis=evidence.inventory_basis,
                    ),
                )
            return Sign(EQUAL, msg("digests of the rows, taken in {firm}; SHA-256 of every file matched", firm=firm))
        case "archive":
            return Sign(
                OPEN, msg("row counts agree; the rows were read once, from the dump. SHA-256 of every file matched")
            )
        case "counts":
            return Sign(OPEN, msg("rows were counted, their content was not read. SHA-256 of every file matched"))
    return Sign(OPEN, msg("no inventory: what the source held is not known"))


def _copied(report: Report, evidence: Evidence, errors: Sequence[Finding], matches: Counter[Match]) -> Sign:
    if not _restored(report):
        return Sign(OPEN, msg("it was not restored"))
    if not evidence.inventory_level:
        return Sign(OPEN, msg("not evaluated: there is no inventory to compare the copy with"))
    objects = sum(kind.different for kind in evidence.objects)
    differing = [_tables(matches[Match.DIFFERENT]), _objects(objects)]
    if found := [text for text in differing if not text.startswith("0 ")]:
        return Sign(DIFFERENT, msg("{found} differ", found=joined(" and ", found)))
    others = [finding for finding in errors if finding.id not in _OWN_RULES and not finding.id.startswith(_ARCHIVE)]
    if others:
        return Sign(DIFFERENT, msg("the rows agree; {count} found", count=_others(len(others))))
    weak = matches[Match.COUNTED] + matches[Match.UNKNOWN]
    if weak:
        return Sign(
            OPEN,
            msg(
                "the rows of {number} of {count} were only counted",
                number=number(weak),
                count=_tables(len(evidence.tables)),
            ),
        )
    if not evidence.tables and not evidence.objects:
        return Sign(OPEN, msg("nothing was compared"))
    return Sign(EQUAL, msg("{count}, every row compared; schema objects equal", count=_tables(len(evidence.tables))))


def _findings(count: int) -> str:
    return msg("1 finding") if count == 1 else msg("{count} findings", count=number(count))


def _tables(count: int) -> str:
    return plural(count, "{count} table", "{count} tables", count=number(count))


def _objects(count: int) -> str:
    return msg("1 schema object") if count == 1 else msg("{count} schema objects", count=number(count))


def _others(count: int) -> str:
    return msg("1 other error") if count == 1 else msg("{count} other errors", count=number(count))


def untold_differences(tables: Sequence[TableProof], findings: Sequence[Finding]) -> dict[str, Finding]:
    """By label, what is to be said of a table that differs although no finding speaks of it: it must not pass for
    equal. Where one does, its severity has the last word: a difference may prove nothing."""
    different = [table for table in tables if table.match is Match.DIFFERENT]
    subjects: dict[str, list[str]] = {}
    for finding in findings if different else ():
        subjects.setdefault(finding.subject.partition(" ")[0], []).append(finding.subject)
    return {
        table.label: _untold(table)
        for table in different
        if not any(map(table.is_subject, subjects.get(table.label.partition(" ")[0], ())))
    }


def _untold(table: TableProof) -> Finding:
    expected, actual = (
        msg("no table") if count is None else plural(count, "{count} row", "{count} rows")
        for count in (table.rows, table.copy_rows)
    )
    return Finding(id="table-different", severity=Severity.ERROR, subject=table.label, expected=expected, actual=actual)


def in_order(tables: Sequence[TableProof]) -> list[TableProof]:
    """What differs first, then what was not compared, then the rest; each by name."""
    rank = {Match.DIFFERENT: 0, Match.UNKNOWN: 1, Match.COUNTED: 2, Match.EQUAL: 3}
    return sorted(tables, key=lambda table: (rank[table.match], table.schema, table.name))
