"""Drills of databases that nobody here wrote, in every kind of sandbox."""

from __future__ import annotations

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dbops import app
from dbops.config import DrillConfig, StoreConfig, Target
from dbops.config.urls import Secret
from dbops.model import Failure, Manifest, Report, Severity, Verdict
from dbops.ops.backup import backup
from dbops.ops.drill import drill
from dbops.ops.fetch import archive_name
from dbops.progress import Silent
from dbops.sandbox.postgres.image import VARIABLE
from tests.checking import check
from tests.demo_runs import need_wheel
from tests.inputs import regression
from tests.restoring import Backed, artifact, back_up
from tests.sandboxes import IMAGES, KINDS, need_kind, sandbox
from tests.servers import Database

pytestmark = pytest.mark.slow


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, IMAGES)


def drilled(backed: Backed, kind: str) -> Report:
    target = Target(url=Secret(""), name="shop", jobs=2, drill=DrillConfig(sandbox=Secret(kind)))
    return drill(backed.catalog, backed.manifest, target, app.places(target), clock=app.now, progress=Silent())


def errors(report: Report) -> list[str]:
    return [f"{f.id} {f.subject}: {f.actual}" for f in report.findings if f.severity is Severity.ERROR]


@pytest.fixture(scope="module")
def portable(
    regression_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Backed, Manifest]]:
    """The regression database without what needs a library that was compiled here."""
    cluster = regression_database.cluster
    copy = Database(cluster, "regression portable")
    cluster.create_database(copy.name, template=regression_database.name)
    try:
        regression.drop_c_functions(copy)
        backed = back_up(copy, Path(tmp_path_factory.mktemp("portable")).as_uri(), jobs=2)
        yield backed, backed.manifest
    finally:
        cluster.drop_database(copy.name)


@pytest.fixture(scope="module")
def embedded(portable: tuple[Backed, Manifest], tmp_path_factory: pytest.TempPathFactory) -> Backed:
    """What the embedded server's version, and its lack of ICU, leave of it; backed up where it then lives."""
    need_wheel()
    old, manifest = portable
    archive = artifact(old, "manifest.json").parent / archive_name(manifest)
    with sandbox("embedded", bytes=100 << 20) as server:
        with psycopg.connect(server.url("").reveal(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE regression TEMPLATE template0 LOCALE 'C.UTF-8'")
        argv = [old.database.cluster.installation.tool("pg_restore"), "-j2", "-d", server.url("regression").reveal()]
        subprocess.run([*argv, str(archive)], capture_output=True)  # it says what it has left out, and goes on
        target = Target(url=server.url("regression"), name="shop", jobs=2)
        catalog = app.open_catalog(StoreConfig(url=tmp_path_factory.mktemp("embedded").as_uri()))
        made = backup(app.open_engine(target), catalog, target, clock=app.now, progress=Silent())
    assert isinstance(made, Manifest)
    return Backed(old.database, target, catalog, made)


@pytest.mark.parametrize("kind", KINDS)
def test_checks_of_the_regression_database_are_green(
    kind: str, portable: tuple[Backed, Manifest], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    need_kind(kind, request)
    backed = portable[0] if kind != "embedded" else request.getfixturevalue("embedded")
    done = check(tmp_path, backed, kind, **{VARIABLE: IMAGES})
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["verdict"], report["findings"]) == ("PASS", [])
    (drilled,) = json.loads((tmp_path / "reports/report.json").read_text())["drills"]
    assert (drilled["verdict"], drilled["failure"]) == ("PASS", "")
    assert drilled["evidence"]["sandbox"]["kind"] == kind
    assert len(drilled["evidence"]["tables"]) > 500
    cases = [case.get("name") for case in ET.parse(tmp_path / "reports/junit.xml").getroot().iter("testcase")]
    assert cases.count("test_table_is_equal[shop]") == 1  # too many for a case each


def test_the_regression_database_on_another_major_is_no_bad_backup(
    portable: tuple[Backed, Manifest], request: pytest.FixtureRequest
) -> None:
    """18 refuses some of what 15 allowed, and the embedded server has no ICU: nothing is known about the backup."""
    need_kind("embedded", request)
    report = drilled(portable[0], "embedded")
    assert (report.verdict, errors(report), report.failure) == (Verdict.INCONCLUSIVE, [], Failure.ENVIRONMENT)
    assert any(finding.id == "sandbox-major" for finding in report.findings)


def test_a_library_that_the_server_lacks_is_named(
    regression_database: Database, tmp_path: Path, images: None, pg_image: str
) -> None:
    report = drilled(back_up(regression_database, tmp_path.as_uri(), jobs=2), "container")
    assert (errors(report), report.failure) == ([], Failure.ENVIRONMENT)
    assert re.search(r"/regress/lib/\w+\.so", report.not_evaluated[-1].reason), "whichever function comes first"


@pytest.mark.parametrize("kind", KINDS)
def test_sample_databases(
    kind: str, sample_database: Database, tmp_path: Path, images: None, request: pytest.FixtureRequest
) -> None:
    need_kind(kind, request)
    report = drilled(back_up(sample_database, tmp_path.as_uri(), jobs=2), kind)
    assert errors(report) == []
    assert (report.verdict, report.failure) == (Verdict.PASS, Failure.NONE)
