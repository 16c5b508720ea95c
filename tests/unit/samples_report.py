"""Reports as real drills make them, one of each class of failure, and a page of each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from dbops.evidence import Evidence, Match, ObjectCount, Probe, SandboxFacts, TableProof
from dbops.model import Failure, Finding, NotEvaluated, Report, Severity, Verdict
from dbops.report.history import HistoryLine
from dbops.report.page import Page

NOW = datetime(2026, 11, 24, 3, 12, 45, tzinfo=UTC)
BACKUP = "20261124T024500Z"
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% raw %}",
    "]]></failure><x>",
    "\u202eevil\u2066\u0000\x1b[31m",
    "العربية",
    "a|b`c\\d*_e\r\n",
    "&amp;&#x3c;",
    "x" * 63,
)
"""Names of tables that break careless reports."""


def table(name: str, rows: int, match: Match = Match.EQUAL, **changed: Any) -> TableProof:
    digest = "copy-sha256:" + hashlib.sha256(name.encode(errors="replace")).hexdigest()
    facts: dict[str, Any] = {
        "schema": "public", "name": name, "match": match, "rows": rows, "copy_rows": rows,
        "digest": digest, "copy_digest": digest, "bytes": rows * 87,
    }  # fmt: skip
    return TableProof(**(facts | changed))


TABLES = tuple(
    table(name, rows)
    for name, rows in [
        ("accounts", 412), ("audit_log", 1_204_332), ("customers", 18_204), ("invoice_lines", 402_118),
        ("invoices", 96_240), ("journal", 88_120), ("payments", 91_377), ("products", 2_114), ("settings", 0),
        ("tax_rates", 12), ("users", 64),
    ]
)  # fmt: skip
OBJECTS = tuple(
    ObjectCount(kind=kind, source=count, copy=count)
    for kind, count in [
        ("column", 148), ("constraint", 41), ("function", 9), ("index", 37), ("owner", 26), ("privilege", 58),
        ("sequence", 10), ("trigger", 4), ("type", 3), ("view", 6),
    ]
)  # fmt: skip
PROBES = (
    Probe(id="insert-fails", title="a row can be inserted into every table with a sequence", tried=10),
    Probe(id="sequence-behind", title="every sequence is ahead of the rows that use it", tried=10),
    Probe(id="fk-orphans", title="every foreign key finds its row", tried=22),
    Probe(id="invalid-index", title="every index is valid", tried=37),
    Probe(id="view-fails", title="every view can be read", tried=6),
    Probe(id="migration-head", title="the migration head is that of the source", tried=1),
    Probe(id="invariant", title="every invariant of dbops.toml holds", tried=3),
)
SANDBOX = SandboxFacts(
    kind="container", engine="postgres", version="17.6", tuned=True, teardown="removed",
    source="postgres:17@sha256:5f1c3c6e0bd93c4b1d9e7b7ab9c4a3a1a5e4bb4d2a1b1f4d0a9e8b7c6d5e4f3a",
)  # fmt: skip
EVIDENCE = Evidence(
    archive_bytes=212_480_133, archive_files=4, rto_seconds=41.9, rpo_seconds=1664.8, rto_allowed=1800.0,
    rpo_allowed=86400.0, inventory_level="content", inventory_basis="snapshot", sandbox=SANDBOX, tables=TABLES,
    objects=OBJECTS, probes=PROBES,
)  # fmt: skip
PHASES = {"fetch": 3.21, "start": 1.44, "restore": 24.7, "verify": 9.83, "probe": 2.72}
PROVENANCE: dict[str, Any] = {
    "backup": BACKUP,
    "manifest_sha256": hashlib.sha256(b"manifest").hexdigest(),
    "inventory_digest": "sha256:" + hashlib.sha256(b"inventory").hexdigest(),
    "store": "s3://finanzas-backups/prod",
    "source_database": "finanzas_db",
    "source_server": "7412390871234098123",
    "source_version": "17.6",
    "dumped_by": "pg_dump 17.6",
    "snapshot_at": "2026-11-24T02:45:00.113000+00:00",
    "newest_row_at": "2026-11-24T02:44:58+00:00",
    "newest_row_by": "snapshot",
    "bytes": 212_480_133,
    "tables": len(TABLES),
    "rows": sum(item.rows or 0 for item in TABLES),
    "drilled_at": "2026-11-24T03:12:03+00:00",
    "dbops_version": "0.3.0",
    "operator": "ci@runner-7",
    "ci_job": "https://gitlab.example.com/finanzas/ops/-/jobs/88123",
    "commit": "824bc3e9f01c0b7a5d1f2c3e4a5b6c7d8e9f0a1b",
    "sandbox": f"container: {SANDBOX.source}",
    "sandbox_version": "17.6",
}
SMOKE = NotEvaluated(id="smoke", reason="no command of the application is configured (drill.smoke)")
NOTES = (
    Finding(id="not-valid-constraint", severity=Severity.WARNING, subject="public.invoices.invoices_total_check",
            expected="validated", actual="NOT VALID in the source", hint="ALTER TABLE … VALIDATE CONSTRAINT …"),
    Finding(id="sandbox", severity=Severity.INFO, subject="container", actual="postgres:17, the source's own major"),
)  # fmt: skip


def good(**changed: Any) -> Report:
    """A drill that passed."""
    report = Report(
        task="drill", target="finanzas", verdict=Verdict.PASS, findings=NOTES, phases=PHASES,
        not_evaluated=(SMOKE,), provenance=PROVENANCE, evidence=EVIDENCE,
    )  # fmt: skip
    return msgspec.structs.replace(report, **changed)


def evidence(**changed: Any) -> Evidence:
    return msgspec.structs.replace(EVIDENCE, **changed)


def bad_backup() -> Report:
    """Two tables differ, and an index is missing."""
    other = "copy-sha256:" + hashlib.sha256(b"other").hexdigest()
    differing: dict[str, dict[str, Any]] = {
        "invoices": {"copy_digest": other},
        "payments": {"copy_rows": 91_375, "copy_digest": other},
    }
    tables = tuple(
        msgspec.structs.replace(item, match=Match.DIFFERENT, **differing[item.name]) if item.name in differing else item
        for item in TABLES
    )
    objects = tuple(
        msgspec.structs.replace(item, copy=36, different=1) if item.kind == "index" else item for item in OBJECTS
    )
    findings = (
        Finding(id="table-content", severity=Severity.ERROR, subject="public.invoices",
                expected=EVIDENCE.tables[4].digest, actual=other, hint="1 row differs: id = 40213, column total"),
        Finding(id="row-differs", severity=Severity.ERROR, subject="public.invoices (id = 40213)",
                expected="total = 1204.50", actual="total = 1240.50"),
        Finding(id="table-rows", severity=Severity.ERROR, subject="public.payments", expected="91377 rows",
                actual="91375 rows", hint="missing: id = 1207, id = 88341"),
        Finding(id="index-missing", severity=Severity.ERROR, subject="public.payments_invoice_idx",
                expected="CREATE INDEX payments_invoice_idx ON public.payments USING btree (invoice_id)", actual=""),
    )  # fmt: skip
    return good(
        verdict=Verdict.FAIL, failure=Failure.BAD_BACKUP, findings=(*findings, *NOTES),
        evidence=evidence(tables=tables, objects=objects),
    )  # fmt: skip


def damaged() -> Report:
    """A stored file is not what it was: nothing was restored."""
    finding = Finding(
        id="artifact-sha256", severity=Severity.ERROR, subject=f"finanzas/{BACKUP}/backup_{BACKUP}.dump",
        expected=hashlib.sha256(b"a").hexdigest(), actual=hashlib.sha256(b"b").hexdigest(),
        hint="the file was changed after it was written: use another backup, and look at the store",
    )  # fmt: skip
    reason = "the backup's files are not what they were: it was not restored"
    return good(
        verdict=Verdict.FAIL, failure=Failure.BAD_BACKUP, findings=(finding,), phases={"fetch": 3.4},
        not_evaluated=(NotEvaluated(id="restore", reason=reason),),
        evidence=evidence(archive_bytes=0, archive_files=0, rto_seconds=None, sandbox=None, tables=(), objects=(),
                          probes=()),
    )  # fmt: skip


def over_target() -> Report:
    """Good, and slower than allowed."""
    finding = Finding(
        id="rto", severity=Severity.OVER_TARGET, subject=BACKUP, expected="at most 30 min",
        actual="41 min 12 s: from 'start restoring' to 'verified'",
        hint="the backup itself is good; mend the cause, or change policy.rto",
    )  # fmt: skip
    phases = {"fetch": 312.0, "start": 2.1, "restore": 1604.0, "verify": 498.2, "probe": 55.7}
    return good(
        verdict=Verdict.FAIL, failure=Failure.OVER_TARGET, findings=(finding, *NOTES), phases=phases,
        evidence=evidence(rto_seconds=sum(phases.values())),
    )  # fmt: skip


def environment() -> Report:
    """An extension is not here."""
    reason = (
        "extension postgis 3.5.1: expected installed on the server of the drill, found nothing\n"
        "use an image that has it: targets.finanzas.drill.image = 'postgis/postgis:17-3.5'"
    )
    return good(
        verdict=Verdict.INCONCLUSIVE, failure=Failure.ENVIRONMENT, findings=NOTES[1:],
        phases={"fetch": 3.2, "start": 1.4}, not_evaluated=(NotEvaluated(id="missing-extension", reason=reason),),
        evidence=evidence(rto_seconds=None, tables=(), objects=(), probes=()),
    )  # fmt: skip


def broken() -> Report:
    """The server died while it restored."""
    reason = (
        "the connection to the server was lost\nits last words:\n"
        "LOG:  server process (PID 881) was terminated by signal 9: Killed\n"
        "LOG:  terminating any other active server processes"
    )  # fmt: skip
    sandbox = msgspec.structs.replace(SANDBOX, teardown="not removed: the container engine did not answer for 30 s")
    warning = Finding(
        id="teardown", severity=Severity.WARNING, subject="sandbox", expected="removed", actual=sandbox.teardown,
        hint="the next drill on this machine removes what is left",
    )  # fmt: skip
    return good(
        verdict=Verdict.INCONCLUSIVE, failure=Failure.BROKEN, findings=(warning,),
        phases={"fetch": 3.2, "start": 1.4, "restore": 17.9},
        not_evaluated=(NotEvaluated(id="connection-lost", reason=reason),),
        evidence=evidence(rto_seconds=None, tables=(), objects=(), probes=(), sandbox=sandbox),
    )  # fmt: skip


def counts() -> Report:
    """The inventory has row counts only."""
    tables = tuple(
        msgspec.structs.replace(item, match=Match.COUNTED if item.rows else Match.EQUAL, digest="") for item in TABLES
    )
    return good(evidence=evidence(inventory_level="counts", tables=tables))


def foreign() -> Report:
    """Somebody else's dump: no inventory to compare the copy with."""
    tables = tuple(msgspec.structs.replace(item, match=Match.UNKNOWN, rows=None, digest="") for item in TABLES)
    objects = tuple(msgspec.structs.replace(item, source=None) for item in OBJECTS)
    reason = "the archive carries no inventory: what the source held is not known"
    return good(
        not_evaluated=(NotEvaluated(id="content", reason=reason), SMOKE),
        evidence=evidence(inventory_level="", inventory_basis="", tables=tables, objects=objects),
    )


def hostile() -> Report:
    """Every text is meant to break the report."""
    tables = tuple(table(name, index, Match.DIFFERENT) for index, name in enumerate(HOSTILE))
    findings = tuple(
        Finding(id="table-content", severity=severity, subject=name, expected=name * 3, actual=name + "y" * 10_000,
                hint=f"{name}\n{name}")
        for name in HOSTILE for severity in Severity
    )  # fmt: skip
    return good(
        target="<b>&", verdict=Verdict.FAIL, failure=Failure.BAD_BACKUP, findings=findings,
        not_evaluated=tuple(NotEvaluated(id=name, reason=name) for name in HOSTILE),
        provenance=PROVENANCE | dict(zip(HOSTILE, HOSTILE, strict=True)) | {"list": [{"a": HOSTILE[0]}]},
        evidence=evidence(
            tables=tables,
            objects=tuple(ObjectCount(kind=name, source=1, copy=0, different=1) for name in HOSTILE),
            probes=tuple(Probe(id=name, title=name, tried=1, found=1) for name in HOSTILE),
            sandbox=SandboxFacts(kind=HOSTILE[0], engine=HOSTILE[1], version=HOSTILE[4], source=HOSTILE[0], tuned=False,
                                 teardown=HOSTILE[0]),
        ),
    )  # fmt: skip


def many_tables(count: int = 5_000) -> Report:
    """A database of `count` tables; every 500th differs."""
    tables = tuple(
        table(f"partition_{index:05d}", index * 37 % 90_000, Match.DIFFERENT if index % 500 == 499 else Match.EQUAL)
        for index in range(count)
    )
    return good(evidence=evidence(tables=tables))


CLASSES = {
    "good": good, "bad": bad_backup, "damaged": damaged, "over": over_target, "environment": environment,
    "broken": broken, "counts": counts, "foreign": foreign, "hostile": hostile,
}  # fmt: skip


def history(target: str = "finanzas", runs: int = 12) -> list[HistoryLine]:
    """A run a week; one was over its target, one broke."""
    lines = []
    for index in range(runs):
        broke, late = index == 4, index == 8
        failure = Failure.BROKEN if broke else Failure.OVER_TARGET if late else Failure.NONE
        verdict = Verdict.INCONCLUSIVE if broke else Verdict.FAIL if late else Verdict.PASS
        lines.append(
            HistoryLine(
                at=NOW - timedelta(weeks=runs - 1 - index), target=target, backup=f"202610{index + 1:02d}T024500Z",
                verdict=verdict, failure=failure, rto_seconds=None if broke else 31 + index + (40 if late else 0),
                rpo_seconds=1500.0 + 37 * (index % 3), bytes=180_000_000 + 2_900_000 * index, rows=1_600_000 + index,
                phases=PHASES, sandbox="container", engine_version="17.6",
            )
        )  # fmt: skip
    return lines


def page(report: Report, lines: Sequence[HistoryLine] | None = None) -> Page:
    """A drill as its own page."""
    return Page(run=report, drills=(report,), history=history() if lines is None else lines, generated_at=NOW)


def check_page() -> Page:
    """A run of checks over three targets."""
    drills = (
        good(),
        msgspec.structs.replace(bad_backup(), target="shop"),
        msgspec.structs.replace(environment(), target="maps"),
    )  # fmt: skip
    run = Report(
        task="check", target="finanzas, maps, shop", verdict=Verdict.FAIL, failure=Failure.BAD_BACKUP,
        phases={"check": 93.1},
        findings=(
            Finding(id="content-of-the-copy-equals-the-source", severity=Severity.ERROR, subject="shop",
                    expected="Every row of the copy is that of the source.",
                    actual="public.invoices: table-content: expected copy-sha256:12…, found copy-sha256:98…"),
        ),
        not_evaluated=(NotEvaluated(id="backup-restores", reason="maps: missing-extension: postgis 3.5.1"),),
        provenance={"checks_passed": 27, "dbops_version": "0.3.0", "operator": "ci@runner-7", "html": "report.html"},
    )  # fmt: skip
    return Page(run=run, drills=drills, history=[*history(), *history("shop", 1)], generated_at=NOW)
