"""The safety backup of a migration: one that brings the database back to what it is now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from dbops.catalog import SAFETY, Catalog
from dbops.config import Target
from dbops.engine.base import Engine
from dbops.language import msg
from dbops.model import Manifest, Verdict
from dbops.ops.backup import backup
from dbops.ops.timing import timed
from dbops.progress import Progress


def safety_backup(
    engine: Engine,
    catalog: Catalog,
    target: Target,
    youngest: float | None,
    current: frozenset[str],
    *,
    clock: Callable[[], datetime],
    progress: Progress,
    phases: dict[str, float],
) -> Manifest:
    """A new one, timed in `phases`; or one that holds the revisions `current`, was verified, and is no older than
    `youngest` seconds (None: always a new one). Raises what a backup raises."""
    if youngest is not None:
        since = clock() - timedelta(seconds=float(youngest))
        for manifest in catalog.backups(target.name):
            same = set(manifest.migration.heads) == current
            if manifest.snapshot_at >= since and same and _verified(catalog, manifest):
                progress.note(msg("safety backup: {manifest}, verified, is young enough", manifest=manifest.id))
                return manifest
    with timed(phases, "safety backup"):
        made = backup(engine, catalog, target, clock=clock, progress=progress, purpose=SAFETY)
    assert isinstance(made, Manifest)  # noqa: S101 - it is no dry run
    progress.note(msg("safety backup: {made}", made=made.id))
    return made


def _verified(catalog: Catalog, manifest: Manifest) -> bool:
    """The newest drill or verification of it was a PASS."""
    records = catalog.records.of(manifest.target, manifest.id)
    return bool(records) and max(records, key=lambda one: one.at).verdict is Verdict.PASS
