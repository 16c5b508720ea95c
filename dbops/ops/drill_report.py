"""What a drill has found so far, and the report that is made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

from dbops import __version__
from dbops.catalog import Catalog
from dbops.config import Target
from dbops.config.units import format_duration
from dbops.engine.restoring import Probed
from dbops.evidence import Evidence, ObjectCount, SandboxFacts, TableProof
from dbops.inventory.compare import Comparison
from dbops.language import msg
from dbops.model import Failure, Finding, Manifest, NotEvaluated, Report, Severity, Verdict, judge
from dbops.ops.provenance import operator
from dbops.ops.restore_plan import manifest_hash
from dbops.sandbox.base import About

Clock = Callable[[], datetime]


class Notes:
    """Collects; judges at the end. `phases` are seconds by name, `about` is for the report's provenance."""

    def __init__(self, manifest: Manifest, target: Target, clock: Clock, about: dict[str, Any]) -> None:
        self.phases: dict[str, float] = {}
        self._manifest = manifest
        self._policy = target.policy
        self._findings: list[Finding] = list(_source(manifest))
        self._skipped: list[NotEvaluated] = []
        self._failure = Failure.NONE
        self._compared = False
        self._evidence = Evidence(
            inventory_level=manifest.inventory.level,
            inventory_basis=manifest.inventory.basis,
            rpo_seconds=(clock() - manifest.freshness.newest).total_seconds(),
            rto_allowed=_plain(target.policy.rto),
            rpo_allowed=_plain(target.policy.rpo),
        )
        self._provenance: dict[str, Any] = {
            "backup": manifest.id,
            **about,
            "drilled_at": clock().isoformat(),
            "dbops_version": __version__,
            **operator(),
        }

    # --- what happened ----------------------------------------------------------------------------------------------

    def found(self, findings: Iterable[Finding]) -> None:
        """Adds findings."""
        self._findings += findings

    def unproved(self, kind: str, reason: str) -> None:
        """Adds what could not be judged, and why."""
        self._skipped.append(NotEvaluated(id=kind, reason=reason))

    def bad(self, kind: str, subject: str, text: str, hint: str) -> None:
        """The backup is bad."""
        self._findings.append(
            Finding(
                id=kind,
                severity=Severity.ERROR,
                subject=subject,
                expected=msg("a usable backup"),
                actual=text,
                hint=hint,
            )
        )

    def lacks(self, kind: str, reason: str) -> None:
        """What the drill needs is not here."""
        self._failure = Failure.ENVIRONMENT
        self.unproved(kind, reason)

    def broke(self, kind: str, reason: str) -> None:
        """The drill itself broke."""
        self._failure = Failure.BROKEN
        self.unproved(kind, reason)

    def fetched(self) -> None:
        """Every artifact was read again, and is what the manifest says."""
        artifacts = self._manifest.artifacts
        self._add(archive_files=len(artifacts), archive_bytes=sum(artifact.bytes for artifact in artifacts))

    def sandbox(self, about: About, passed_over: tuple[str, ...]) -> None:
        """Where it is restored, and why not elsewhere."""
        facts = SandboxFacts(
            kind=about.kind, engine=about.engine, version=about.version, source=about.source, tuned=about.tuned
        )
        self._add(sandbox=facts)
        self._provenance |= {"sandbox": f"{about.kind}: {about.source}", "sandbox_version": about.version}
        if passed_over:
            self._provenance["sandboxes_passed_over"] = list(passed_over)

    def compared(
        self, comparison: Comparison, tables: tuple[TableProof, ...], objects: tuple[ObjectCount, ...]
    ) -> None:
        """What the comparison came to: without it there is no PASS."""
        self._findings += comparison.findings
        self._skipped += comparison.not_evaluated
        self._compared = comparison.conclusive
        self._add(tables=tables, objects=objects)

    def probed(self, probed: Probed) -> None:
        """Adds what trying out the copy came to."""
        self._findings += probed.findings
        self._skipped += probed.not_evaluated
        self._add(probes=(*self._evidence.probes, *probed.probes))

    def timed_out(self, rto_seconds: float) -> None:
        """The drill has come to its end: its time, and the age of what it restored, against the policy."""
        self._add(rto_seconds=rto_seconds)
        rpo = self._evidence.rpo_seconds or 0.0
        basis = self._manifest.freshness.basis
        self._over("rto", self._policy.rto, rto_seconds, msg("from 'start restoring' to 'verified'"))
        self._over("rpo", self._policy.rpo, rpo, msg("the newest row ({basis}) is that old", basis=basis))

    def torn_down(self, what: str) -> None:
        """How the sandbox ended; a warning if not by `removed`."""
        facts = self._evidence.sandbox
        if facts is not None:
            self._add(sandbox=msgspec.structs.replace(facts, teardown=what))
        if what != "removed":
            self._findings.append(
                Finding(
                    id="teardown",
                    severity=Severity.WARNING,
                    subject="sandbox",
                    expected=msg("removed"),
                    actual=what,
                    hint=msg("the next drill on this machine removes what is left"),
                )
            )

    def stays(self, connect: str, end: str) -> None:
        """It is not torn down yet."""
        facts = self._evidence.sandbox
        if facts is not None:
            self._add(sandbox=msgspec.structs.replace(facts, teardown=msg("kept")))
        self._findings.append(
            Finding(
                id="kept",
                severity=Severity.INFO,
                subject="sandbox",
                actual=msg("the copy stays up"),
                hint=msg("connect: {connect}\nend it, and remove everything: {end}", connect=connect, end=end),
            )
        )

    # --- what it comes to -------------------------------------------------------------------------------------------

    def report(self) -> Report:
        """The report of what was noted until now."""
        verdict = judge(self._findings, evaluated=self._compared and self._failure is Failure.NONE)
        return Report(
            task="drill",
            target=self._manifest.target,
            verdict=verdict,
            findings=tuple(self._findings),
            phases=dict(self.phases),
            not_evaluated=tuple(self._skipped),
            provenance=self._provenance,
            failure=failure_of(verdict, self._findings, self._failure),
            evidence=self._evidence,
        )

    def _add(self, **facts: Any) -> None:
        self._evidence = msgspec.structs.replace(self._evidence, **facts)

    def _over(self, kind: str, allowed: float | None, found: float, what: str) -> None:
        if allowed is not None and found > allowed:
            self._findings.append(
                Finding(
                    id=kind,
                    severity=Severity.OVER_TARGET,
                    subject=self._manifest.id,
                    expected=msg("at most {allowed}", allowed=format_duration(allowed)),
                    actual=msg("{found}: {what}", found=format_duration(found), what=what),
                    hint=msg("the backup itself is good; mend the cause, or change policy.{kind}", kind=kind),
                )
            )


class Notebook(Notes):
    """Of the drill of a backup: with where it came from."""

    def __init__(self, catalog: Catalog, manifest: Manifest, target: Target, clock: Clock) -> None:
        about = {
            "manifest_sha256": manifest_hash(catalog, manifest),
            "inventory_digest": manifest.inventory.digest,
            "store": catalog.store.url,
            "source_database": manifest.engine.database,
            "source_server": manifest.engine.server_id,
            "source_version": manifest.engine.server_version,
            "dumped_by": f"{manifest.tool.name} {manifest.tool.version}",
            "snapshot_at": manifest.snapshot_at.isoformat(),
            "newest_row_at": manifest.freshness.newest.isoformat(),
            "newest_row_by": manifest.freshness.basis,
            "bytes": manifest.bytes,
            "tables": len(manifest.inventory.tables),
            "rows": manifest.rows,
        }
        super().__init__(manifest, target, clock, about)


def failure_of(verdict: Verdict, findings: Iterable[Finding], trouble: Failure) -> Failure:
    """Errors about the backup count before trouble with the drill, and that before a missed target."""
    if any(finding.severity is Severity.ERROR for finding in findings):
        return Failure.BAD_BACKUP
    if trouble is not Failure.NONE:
        return trouble
    return Failure.OVER_TARGET if verdict is Verdict.FAIL else Failure.NONE


def _source(manifest: Manifest) -> Iterable[Finding]:
    """What the source itself had when it was dumped: warnings about it, never an error of its backup."""
    for finding in manifest.findings:
        severity = Severity.WARNING if finding.severity is Severity.ERROR else finding.severity
        yield msgspec.structs.replace(finding, severity=severity)


def _plain(seconds: float | None) -> float | None:
    """Without the configuration's own type, which no JSON encoder knows."""
    return None if seconds is None else float(seconds)
