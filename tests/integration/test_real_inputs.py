"""Databases that nobody here wrote: PostgreSQL's own regression database and public samples round-trip, equal."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.engine.restoring import Wishes
from dbops.model import Manifest, Report, Severity, Verdict
from dbops.ops.backup import backup
from dbops.ops.restore import restore
from dbops.ops.verify import verify
from dbops.progress import Silent
from dbops.store.local import LocalStore
from tests.inputs import contents
from tests.servers import Database

pytestmark = pytest.mark.slow


def round_trip(database: Database, folder: Path, jobs: int) -> tuple[Manifest, Report, dict[tuple[str, str], int]]:
    """Backs the database up, verifies the backup, restores it under another name; what the copy then holds."""
    target = Target(url=Secret(database.url), name="input", jobs=jobs, inventory="content")
    engine, catalog = app.open_engine(target), Catalog(LocalStore(folder))
    manifest = backup(engine, catalog, target, clock=app.now, progress=Silent())
    assert isinstance(manifest, Manifest)
    checked = verify(engine, catalog, manifest, jobs=jobs, progress=Silent(), clock=app.now)
    assert checked.verdict is Verdict.PASS, checked.findings
    copy = f"copy of {database.name}"
    try:
        report = restore(
            engine.restorer(copy),
            catalog,
            manifest,
            Wishes(jobs=jobs),
            target.app,
            clock=app.now,
            progress=Silent(),
            confirm=lambda _: True,
        )
        return manifest, report, contents(Database(database.cluster, copy))
    finally:
        database.cluster.drop_database(copy)


def assert_equal(database: Database, manifest: Manifest, report: Report, copied: dict[tuple[str, str], int]) -> None:
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    assert (report.verdict, errors) == (Verdict.PASS, [])
    # Counted by the tests' own query, not by the product.
    assert copied == contents(database)
    assert all(table.digest for table in manifest.inventory.tables)


@pytest.mark.parametrize("jobs", [1, 2])
def test_regression_database_round_trips(regression_database: Database, tmp_path: Path, jobs: int) -> None:
    """Every type of object that PostgreSQL's developers thought of: 537 tables, more than 400 000 rows."""
    manifest, report, copied = round_trip(regression_database, tmp_path, jobs)
    assert_equal(regression_database, manifest, report, copied)
    assert len(manifest.inventory.tables) > 500
    assert manifest.rows > 400_000
    assert sum(map(len, manifest.inventory.objects.values())) > 4000


@pytest.mark.parametrize("jobs", [1, 2])
def test_sample_database_round_trips(sample_database: Database, tmp_path: Path, jobs: int) -> None:
    manifest, report, copied = round_trip(sample_database, tmp_path, jobs)
    assert_equal(sample_database, manifest, report, copied)
    assert manifest.rows > 1000
