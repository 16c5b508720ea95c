"""The newest backup of every target is fresh, intact and decodable, and nothing in the store is in doubt."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from dbops import app
from dbops.catalog import Catalog, State
from dbops.config import Config, Target
from dbops.config.passwords import exposed_files
from dbops.config.units import format_duration
from dbops.model import Finding, Manifest, Report, Severity
from dbops.ops.prune import MINIMUM_AGE


def test_newest_backup_is_within_the_rpo(target: Target, manifest: Manifest) -> None:
    """The newest recoverable row is not older than `policy.rpo`; the date of a file says nothing about it."""
    if target.policy.rpo is None:
        pytest.skip("policy.rpo is not set")
    age = (app.now() - manifest.freshness.newest).total_seconds()
    if age > target.policy.rpo:
        pytest.fail(
            f"{manifest.id}: its newest row ({manifest.freshness.basis}) is {format_duration(age)} old, "
            f"allowed are {format_duration(target.policy.rpo)}: look why no newer backup was made"
        )


def test_every_artifact_is_intact(verification: Report) -> None:
    """Every file of the newest backup is in the store, with the size and the SHA-256 of its manifest."""
    _fail_for(item for item in verification.findings if item.id.startswith(("artifact-", "sums-")))


def test_archive_decodes_to_its_end(manifest: Manifest, verification: Report) -> None:
    """The archive of the newest backup decodes to its end and holds the rows of the inventory."""
    _fail_for(item for item in verification.findings if item.id.startswith(("archive-", "table-")))
    for item in verification.not_evaluated:
        pytest.skip(f"{manifest.id}: {item.id}: {item.reason}")


def test_every_manifest_is_usable(target: Target, catalog: Catalog) -> None:
    """No backup of the target has a manifest that was changed, cut or moved."""
    broken = [item.reason for item in catalog.list(target.name) if item.state is State.BROKEN]
    if broken:
        pytest.fail("; ".join(broken))


def test_nothing_is_left_behind(target: Target, catalog: Catalog) -> None:
    """No interrupted backup lies in the store for more than a day."""
    now = app.now()
    old = [
        f"{item.id} ({format_duration((now - item.modified).total_seconds())} old)"
        for item in catalog.list(target.name)
        if item.state is State.DEBRIS and (now - item.modified).total_seconds() > MINIMUM_AGE
    ]
    if old:
        pytest.fail(f"no manifest: {', '.join(old)}: look why these backups did not end, then: invoke prune")


def test_files_with_passwords_are_private(target: Target, dbops_config: Config) -> None:
    """No file with a password can be read by others."""
    _fail_for(exposed_files(dbops_config, target), least=Severity.WARNING)


def _fail_for(findings: Iterable[Finding], *, least: Severity = Severity.ERROR) -> None:
    """Fails with one line per finding that is at least this severe."""
    counted = (Severity.ERROR, Severity.WARNING) if least is Severity.WARNING else (Severity.ERROR,)
    lines = [
        f"{item.subject}: {item.id}: expected {item.expected}, found {item.actual}"
        for item in findings
        if item.severity in counted
    ]
    if lines:
        pytest.fail("\n".join(lines))
