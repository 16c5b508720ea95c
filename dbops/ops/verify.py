"""verify: every artifact re-read from the store, size and SHA-256 compared, the archive decoded to its end.

It needs no database and nothing of the machine that made the backup: a bare store is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from dbops import __version__
from dbops.catalog import Catalog, State
from dbops.engine.base import Content, Engine, Reading, TableKey
from dbops.errors import BadBackupError, NothingToCheckError, PreflightError, ToolError
from dbops.inventory.compare import FOREIGN
from dbops.inventory.digests import comparable, reading
from dbops.language import joined, msg, plural, some
from dbops.model import Finding, Manifest, NotEvaluated, Report, Severity, Verdict, judge
from dbops.ops.fetch import fetch
from dbops.ops.records import kept
from dbops.ops.timing import timed
from dbops.progress import Progress
from dbops.values import label

VERDICT_ORDER = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


def verify(
    engine: Engine | None,
    catalog: Catalog,
    manifest: Manifest,
    *,
    jobs: int,
    progress: Progress,
    clock: Callable[[], datetime],
) -> Report:
    """Verifies one backup and keeps the report beside it. Without an engine the archive is not decoded."""
    phases: dict[str, float] = {}
    not_evaluated: list[NotEvaluated] = []
    local, decoded = engine is not None, False
    with fetch(catalog, manifest, jobs=jobs, progress=progress, local=local, keyless=True, phases=phases) as copy:
        findings = [*copy.findings, *_signatures(catalog, manifest)]
        if engine is None or copy.archive is None:
            reason = (
                msg("no engine for this dialect")
                if engine is None
                else copy.locked or msg("files of the archive are missing")
            )
            not_evaluated.append(NotEvaluated(id="archive-decode", reason=reason))
        else:
            progress.phase("decode", total_bytes=manifest.bytes)
            try:
                with timed(phases, "decode"):
                    contents = engine.verify_archive(manifest, copy.archive, progress)
            except BadBackupError as error:
                findings.append(
                    _error(manifest, "archive-decode", copy.archive.name, msg("decodes to its end"), error.message)
                )
            except (PreflightError, NothingToCheckError, ToolError) as error:
                if isinstance(error, ToolError) and error.kind != "tool-missing":
                    raise
                not_evaluated.append(NotEvaluated(id="archive-decode", reason=str(error)))
            else:
                decoded = True
                findings += compare(manifest, contents)
                not_evaluated += only_counted(manifest, contents)
    report = Report(
        task="verify",
        target=manifest.target,
        verdict=_verdict(manifest, findings, decoded=decoded),
        findings=tuple(findings),
        phases=phases,
        not_evaluated=tuple(not_evaluated),
        provenance={
            "backup": manifest.id,
            "store": catalog.store.url,
            "bytes": manifest.bytes,
            "artifacts": len(manifest.artifacts),
            "tables": len(manifest.inventory.tables),
            "verified_at": clock().isoformat(),
            "encryption": manifest.method.encryption,
            "keys": list(manifest.method.keys),
            "dbops_version": __version__,
        },
    )
    return kept(catalog, manifest, report, clock())


def verify_selected(
    engine_for: Callable[[Manifest], Engine | None],
    catalog: Catalog,
    target: str,
    selector: str,
    *,
    jobs: int,
    progress: Progress,
    clock: Callable[[], datetime],
) -> Report:
    """Verifies `latest`, one id, or `all`; newer or other backups that cannot be used are findings too. What only a
    newer dbops can read is not evaluated."""
    if selector not in ("all", "latest"):
        manifest = catalog.find(target, selector)
        return verify(engine_for(manifest), catalog, manifest, jobs=jobs, progress=progress, clock=clock)
    listings = catalog.list(target)
    usable = [item.manifest for item in listings if item.manifest is not None]
    if selector == "latest":
        usable = usable[:1]
        listings = [item for item in listings if not usable or item.id > usable[0].id]
    broken = [
        Finding(
            id="manifest-unusable",
            severity=Severity.ERROR,
            subject=f"{item.id}/manifest.json",
            expected=msg("a manifest of this backup"),
            actual=item.reason,
            hint=msg("this backup cannot be restored through this dbops; others are not touched by it"),
        )
        for item in listings
        if item.state is State.BROKEN
    ]
    beyond = [
        NotEvaluated(id="newer-format", reason=joined(": ", [item.id, item.reason]))
        for item in listings
        if item.state is State.NEWER
    ]
    if not usable and not broken and not (beyond and selector == "all"):
        catalog.latest(target)  # raises NothingToCheckError and says what to do
    reports = [
        verify(engine_for(manifest), catalog, manifest, jobs=jobs, progress=progress, clock=clock)
        for manifest in usable
    ]
    return combine(target, reports, broken, beyond)


def combine(
    target: str, reports: list[Report], findings: list[Finding], not_evaluated: Sequence[NotEvaluated] = ()
) -> Report:
    """Several verifications as one report: the worst verdict, all findings. `findings` and `not_evaluated`: of backups
    that have no report of their own."""
    if len(reports) == 1 and not findings and not not_evaluated:
        return reports[0]
    verdicts = [report.verdict for report in reports]
    verdicts += [Verdict.FAIL] * bool(findings) + [Verdict.INCONCLUSIVE] * bool(not_evaluated)
    phases: dict[str, float] = {}
    for report in reports:
        for name, seconds in report.phases.items():
            phases[name] = phases.get(name, 0.0) + seconds
    return Report(
        task="verify",
        target=target,
        verdict=min(verdicts, key=VERDICT_ORDER.index),
        findings=(*findings, *(finding for report in reports for finding in report.findings)),
        phases=phases,
        not_evaluated=(*not_evaluated, *(item for report in reports for item in report.not_evaluated)),
        provenance={
            "backups": [{"id": report.provenance["backup"], "verdict": report.verdict.value} for report in reports],
            "dbops_version": __version__,
        },
    )


def compare(manifest: Manifest, contents: dict[TableKey, Content]) -> Iterator[Finding]:
    """What the archive holds of each table against the inventory. Digests of another kind cannot be compared."""
    for table in manifest.inventory.tables:
        found = contents.get((table.schema, table.name))
        if found is None and table.rows:
            yield _table(
                manifest,
                "table-missing",
                table.label,
                plural(table.rows, "{count} row", "{count} rows"),
                msg("not in the archive"),
            )
        elif found is None:
            continue
        elif found.rows != table.rows:
            yield _table(
                manifest,
                "table-rows",
                table.label,
                plural(table.rows, "{count} row", "{count} rows"),
                plural(found.rows, "{count} row", "{count} rows"),
            )
        elif not found.digest and reading(table) is Reading.ORDERED:
            yield _table(manifest, "table-content", table.label, table.digest, msg("rows in several parts: no digest"))
        elif comparable(table.digest, found.digest) and found.digest != table.digest:
            yield _table(manifest, "table-content", table.label, table.digest, found.digest)
    known = {(table.schema, table.name) for table in manifest.inventory.tables}
    elsewhere = {finding.subject for finding in manifest.findings if finding.id == FOREIGN}
    for schema, name in sorted(contents.keys() - known):
        if label(schema, name) in elsewhere and not contents[schema, name].rows:
            continue
        yield _table(manifest, "table-unknown", label(schema, name), msg("not in the archive"), msg("in the archive"))


def only_counted(manifest: Manifest, contents: dict[TableKey, Content]) -> list[NotEvaluated]:
    """Tables of which a dump does not tell every value as the server has it, so that the source's digest is not met."""
    names = [
        table.label
        for table in manifest.inventory.tables
        if table.digest
        and table.rows
        and (found := contents.get((table.schema, table.name))) is not None
        and not found.digest
        and reading(table) is not Reading.ORDERED
    ]
    if not names:
        return []
    reason = msg("rows counted, their content is compared by a drill: {some}", some=some(names))
    return [NotEvaluated(id="archive-content", reason=reason)]


def _signatures(catalog: Catalog, manifest: Manifest) -> Iterator[Finding]:
    """The records beside a signed backup: each signed, none of them gone from the middle."""
    for key, problem in catalog.records.chain_problems(manifest.target, manifest.id):
        yield Finding(
            id="record-signature",
            severity=Severity.ERROR,
            subject=key.removeprefix(f"{manifest.target}/"),
            expected=msg("signed, and the records before it are there"),
            actual=problem,
            hint=msg("look who has changed it: what the record says is not proved"),
        )


def _table(manifest: Manifest, kind: str, label: str, expected: str, actual: str) -> Finding:
    unanchored = manifest.inventory.basis == "unanchored"
    return Finding(
        id=kind,
        severity=Severity.WARNING if unanchored else Severity.ERROR,
        subject=f"{manifest.id}/{label}",
        expected=expected,
        actual=actual,
        hint=msg("the inventory is of another moment than the dump")
        if unanchored
        else msg("the archive is not this backup's dump"),
    )


def _error(manifest: Manifest, kind: str, name: str, expected: str, actual: str) -> Finding:
    return Finding(id=kind, severity=Severity.ERROR, subject=f"{manifest.id}/{name}", expected=expected, actual=actual)


def _verdict(manifest: Manifest, findings: list[Finding], *, decoded: bool) -> Verdict:
    """An archive that was not decoded is not proved; a mismatch against an unanchored inventory proves nothing."""
    undecided = manifest.inventory.basis == "unanchored" and any(item.id.startswith("table-") for item in findings)
    return judge(findings, evaluated=decoded and not undecided)
