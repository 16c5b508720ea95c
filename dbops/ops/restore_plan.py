"""What a restore will do, decided before anything changes: which backup, over what, and what stands against it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from dbops.catalog import MANIFEST, Catalog
from dbops.engine.base import Destination
from dbops.engine.restoring import Preflight, Restorer, Wishes
from dbops.errors import BadBackupError, DbopsError, PreflightError, RefusedError
from dbops.language import joined, msg
from dbops.model import Finding, Manifest, Severity
from dbops.ops.fetch import Copy, fetch
from dbops.ops.seal import document
from dbops.progress import Progress


class Archive(NamedTuple):
    """A backup at hand, whole: every artifact has the manifest's size and SHA-256."""

    manifest: Manifest
    path: Path
    database_sql: str
    globals_sql: str


class Plan(NamedTuple):
    """What the reader agrees to; the dry run ends with it."""

    manifest: Manifest
    destination: Destination
    wishes: Wishes
    preflight: Preflight
    age_seconds: float
    """Between the backup's moment and now: what was written since is not in it."""


@contextmanager
def whole(
    catalog: Catalog, manifest: Manifest, *, jobs: int, progress: Progress, phases: dict[str, float]
) -> Iterator[Archive]:
    """The backup as local files for the time of the block; `BadBackupError` if any artifact is not what it was."""
    with fetch(catalog, manifest, jobs=jobs, progress=progress, phases=phases) as copy:
        yield archive_of(catalog, manifest, copy)


def archive_of(catalog: Catalog, manifest: Manifest, copy: Copy) -> Archive:
    """A fetched backup, with its small documents; `BadBackupError` if any artifact is not what it was."""
    wrong = [finding for finding in copy.findings if finding.severity is Severity.ERROR]
    if wrong or copy.archive is None:
        raise BadBackupError(
            msg(
                "backup {manifest} of {target} is not what its manifest says: {wrong}",
                manifest=manifest.id,
                target=manifest.target,
                wrong=joined("; ", (f"{f.subject}: {f.id}" for f in wrong)) or msg("its archive is missing"),
            ),
            hint=msg("restore another backup (see: backups); nothing was changed"),
            kind=wrong[0].id if wrong else "artifact-missing",
        )
    return Archive(
        manifest,
        copy.archive,
        document(catalog, manifest, "database.sql", copy.opener),
        document(catalog, manifest, "globals.sql", copy.opener),
    )


def manifest_hash(catalog: Catalog, manifest: Manifest) -> str:
    """SHA-256 of the manifest as it lies in the store."""
    digest = hashlib.sha256()
    for chunk in catalog.store.read(catalog.key(manifest.target, manifest.id, MANIFEST)):
        digest.update(chunk)
    return digest.hexdigest()


def decide(restorer: Restorer, archive: Archive, wishes: Wishes, now: datetime) -> Plan:
    """Runs the preflight. Raises `PreflightError` (or `RefusedError`, for sessions only) naming all obstacles."""
    found = restorer.preflight(archive.manifest, wishes, archive.path)
    errors = [finding for finding in found.findings if finding.severity is Severity.ERROR]
    if errors:
        raise _refusal(errors)
    age = (now - archive.manifest.snapshot_at).total_seconds()
    return Plan(archive.manifest, found.destination, wishes, found, age)


def _refusal(errors: list[Finding]) -> DbopsError:
    lines = [f"{f.id}: {f.subject}: expected {f.expected}, found {f.actual}" for f in errors]
    hint = "\n".join(dict.fromkeys(line for f in errors for line in f.hint.splitlines()))
    if all(finding.id == "in-use" for finding in errors):
        return RefusedError(
            msg("{subject} has other sessions: {actual}", subject=errors[0].subject, actual=errors[0].actual),
            hint=hint,
            kind="in-use",
        )
    return PreflightError(
        msg("the restore would fail, and nothing was changed: {lines}", lines=joined("; ", lines)),
        hint=hint,
        kind=errors[0].id,
    )


def plan_warnings(plan: Plan) -> list[Finding]:
    """What the reader should know before agreeing, beside the preflight's own warnings."""
    source, server = plan.manifest.engine, plan.destination.server
    found = []
    if source.server_id and server.info.server_id and source.server_id != server.info.server_id:
        found.append(("other-server", server.host, f"server {source.server_id}, as the source", server.info.server_id))
    if source.database != plan.destination.name:
        found.append(("other-database", plan.destination.name, source.database, plan.destination.name))
    return [
        Finding(id=kind, severity=Severity.INFO, subject=subject, expected=expected, actual=actual)
        for kind, subject, expected, actual in found
    ]
