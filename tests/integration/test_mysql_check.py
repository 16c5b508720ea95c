"""`check` on MySQL and MariaDB: one drill for all its checks, one's own checks with its fixtures, reports."""

from __future__ import annotations

import json
import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_mysql_drill import run, said, written
from tests.mutations.mysql.workshop import Workshop
from tests.mysql_restoring import ROOT, Backed, databases, rewritten
from tests.mysql_servers import MysqlServer, installation, servers

OWN = '''
def test_invoices_have_customers(restored, target):
    """No invoice without a customer."""
    with restored.cursor() as cursor:
        cursor.execute("select count(*) from invoices where customer_id is null")
        assert cursor.fetchone() == (0,)
        cursor.execute("delete from invoices")  # it is thrown away

def test_wishes(restored, manifest):
    """There are a million customers."""
    with restored.cursor() as cursor:
        cursor.execute("select count(*) from customers")
        count = cursor.fetchone()[0]
    assert count == 1_000_000, f"only {count} customers in {manifest.id}"
'''


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        yield running


@pytest.fixture(scope="module")
def empty_server(server: MysqlServer) -> Iterator[MysqlServer]:
    """A server that holds nothing of anybody's."""
    with MysqlServer(server.installation) as running:
        yield running


@pytest.fixture(scope="module")
def workshop(server: MysqlServer, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(server, Path(tmp_path_factory.mktemp("workshop")))


@pytest.fixture(scope="module")
def good(workshop: Workshop) -> Backed:
    return workshop.backup()


def check(folder: Path, backed: Backed, server: MysqlServer, code: int, *flags: str) -> dict[str, object]:
    store = f"--store={backed.catalog.store.url}"
    done = run(server, folder, "check", store, f"--sandbox={server.url()}", "--json", *flags)
    report: dict[str, object] = json.loads(said(done, code, server.password))
    return report


def ids(report: dict[str, object], where: str) -> set[str]:
    found = report[where]
    assert isinstance(found, list)
    return {item["id"] for item in found}


def test_all_checks_pass_on_a_good_backup(good: Backed, empty_server: MysqlServer, tmp_path: Path) -> None:
    before = databases(empty_server)
    report = check(tmp_path, good, empty_server, 0)
    assert (report["verdict"], report["findings"]) == ("PASS", [])
    suite = ET.parse(tmp_path / "reports/junit.xml").getroot().find("testsuite")
    assert suite is not None
    names = {case.get("name") for case in suite.iter("testcase")}
    assert {"test_content_is_equal[shop]", "test_backup_restores_clean[shop]"} <= names
    assert (tmp_path / "reports/junit.xml").stat().st_mode & 0o077 == 0
    assert empty_server.password not in written(tmp_path / "reports/report.html")
    written(tmp_path / "reports/junit.xml")
    line = json.loads((tmp_path / "reports/history.jsonl").read_text())
    assert (line["target"], line["verdict"]) == ("shop", "PASS")
    assert databases(empty_server) == before


def test_each_side_of_a_bad_backup_has_its_check(
    workshop: Workshop, good: Backed, empty_server: MysqlServer, tmp_path: Path
) -> None:
    sides = {
        "row-counts-are-equal": "DELETE FROM events WHERE what = 'event 7'",
        "content-is-equal": "UPDATE kinds SET n = n + 1 WHERE id = 7",
        "schema-objects-are-equal": "DROP VIEW owned",
        "sequences-are-ahead": "ALTER TABLE counted AUTO_INCREMENT = 1",
    }
    report = check(tmp_path, workshop.mutated(good, *sides.values()), empty_server, 3)
    findings = report["findings"]
    assert isinstance(findings, list)
    assert set(sides) <= ids(report, "findings")
    named = {finding["id"]: json.dumps(finding) for finding in findings}
    assert all(
        word in named[check] for check, word in zip(sides, ("events", "kinds", "owned", "counted"), strict=True)
    ), named


def test_an_archive_that_does_not_load(workshop: Workshop, empty_server: MysqlServer, tmp_path: Path) -> None:
    backed = workshop.backup()
    backed.catalog.publish(rewritten(backed, lambda text: text[: len(text) // 2]))
    report = check(tmp_path, backed, empty_server, 3)
    assert {"archive-decodes-to-its-end", "backup-restores-clean"} <= ids(report, "findings")
    assert "content-is-equal" in ids(report, "not_evaluated")


def test_nothing_to_restore_into_is_inconclusive(good: Backed, server: MysqlServer, tmp_path: Path) -> None:
    """The server holds databases of others: nothing is restored into it. What needs no server was checked."""
    server.create_database("of_others")
    server.execute("CREATE TABLE t (i INT)", database="of_others")
    try:
        report = check(tmp_path, good, server, 5)
    finally:
        server.drop_database("of_others")
    assert "content-is-equal" not in ids(report, "findings")
    assert "content-is-equal" in ids(report, "not_evaluated")


def test_ones_own_checks_get_the_copy(good: Backed, empty_server: MysqlServer, tmp_path: Path) -> None:
    before = databases(empty_server)
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks/test_shop.py").write_text(OWN)
    report = check(tmp_path, good, empty_server, 3)
    findings = report["findings"]
    assert isinstance(findings, list)
    (finding,) = findings
    assert (finding["id"], finding["expected"]) == ("wishes", "There are a million customers.")
    assert "only 200 customers" in finding["actual"]
    assert databases(empty_server) == before


def test_plain_pytest(good: Backed, empty_server: MysqlServer, tmp_path: Path) -> None:
    import subprocess

    before = databases(empty_server)
    options = [f"--dbops-store={good.catalog.store.url}", f"--dbops-sandbox={empty_server.url()}", "-n", "2"]
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "checks"), *options]
    done = subprocess.run(
        [*argv, "--dbops-html=out/report.html", "--dbops-json=out/report.json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    said(done, 0, empty_server.password)
    written(tmp_path / "out/report.html")
    assert '"teardown": "removed"' in (tmp_path / "out/report.json").read_text()
    assert databases(empty_server) == before
