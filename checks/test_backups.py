"""The newest backup of every target is fresh, intact and decodable, and nothing in the store is in doubt."""

from __future__ import annotations

import pytest

from dbops import app
from dbops.catalog import Catalog, State
from dbops.checking.judging import fail, fail_for, of, restored
from dbops.config import Target
from dbops.config.units import format_duration
from dbops.language import msg
from dbops.model import Manifest, Report
from dbops.ops.prune import MINIMUM_AGE


def test_newest_backup_is_within_the_rpo(target: Target, request: pytest.FixtureRequest) -> None:
    """The newest recoverable row is not older than `policy.rpo`; the date of a file says nothing about it."""
    if target.policy.rpo is None:
        pytest.skip(msg("policy.rpo is not set"))
    if target.archives:  # only a look into the dump says how old it is
        drill: Report = request.getfixturevalue("drill")
        fail_for(of(drill, ["rpo"]))
        restored(drill)
        return
    manifest: Manifest = request.getfixturevalue("manifest")
    age = (app.now() - manifest.freshness.newest).total_seconds()
    if age > target.policy.rpo:
        fail(
            "rpo",
            manifest.id,
            msg("at most {limit} old", limit=format_duration(target.policy.rpo)),
            msg("its newest row ({basis}) is {age} old", basis=manifest.freshness.basis, age=format_duration(age)),
            msg("look why no newer backup was made"),
            over=True,
        )


def test_every_artifact_is_intact(verification: Report) -> None:
    """Every file of the newest backup is in the store, with the size and the SHA-256 of its manifest."""
    fail_for(item for item in verification.findings if item.id.startswith(("artifact-", "sums-")))


def test_archive_decodes_to_its_end(manifest: Manifest, verification: Report) -> None:
    """The archive of the newest backup decodes to its end and holds the rows of the inventory."""
    fail_for(item for item in verification.findings if item.id.startswith(("archive-", "table-")))
    for item in verification.not_evaluated:
        pytest.skip(msg("{backup}: {check}: {reason}", backup=manifest.id, check=item.id, reason=item.reason))


def test_every_manifest_is_usable(target: Target, catalog: Catalog) -> None:
    """No backup of the target has a manifest that was changed, cut or moved."""
    broken = [item.reason for item in catalog.list(target.name) if item.state is State.BROKEN]
    if broken:
        fail("manifest-unusable", target.name, msg("only manifests of its backups"), "; ".join(broken))


def test_nothing_is_left_behind(target: Target, catalog: Catalog) -> None:
    """No interrupted backup lies in the store for more than a day."""
    now = app.now()
    old = [
        f"{item.id} ({format_duration((now - item.modified).total_seconds())} old)"
        for item in catalog.list(target.name)
        if item.state is State.DEBRIS and (now - item.modified).total_seconds() > MINIMUM_AGE
    ]
    if old:
        hint = msg("look why these backups did not end, then: dbops prune")
        fail(
            "debris",
            target.name,
            msg("a manifest in each"),
            msg("no manifest: {backups}", backups=", ".join(old)),
            hint,
        )
