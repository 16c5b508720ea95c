"""`check`: one drill for all its checks, one's own checks with its fixtures, reports, and plain pytest."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checking import check, run
from tests.mutations.workshop import Workshop, believed
from tests.restoring import DBOPS, ROOT, Backed, artifact, databases
from tests.servers import Cluster

OWN = '''
import pytest

def test_invoices_have_customers(restored, target):
    """No invoice without a customer."""
    found = restored.execute("select count(*) from invoices where customer_id is null").fetchone()
    assert found == (0,)
    restored.execute("delete from invoices")  # it is thrown away

def test_wishes(restored, manifest):
    """There are a million customers."""
    count = restored.execute("select count(*) from customers").fetchone()[0]
    assert count == 1_000_000, f"only {count} customers in {manifest.id}"
'''


@pytest.fixture(scope="module")
def workshop(pg_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    made = Workshop(pg_server, Path(tmp_path_factory.mktemp("workshop")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def good(workshop: Workshop) -> Backed:
    return workshop.backup()


@pytest.fixture(scope="module")
def empty_server(pg_server: Cluster) -> Iterator[Cluster]:
    """A server that holds nothing of anybody's."""
    with Cluster(pg_server.installation) as cluster:
        yield cluster


def test_all_checks_pass_on_a_good_backup(workshop: Workshop, empty_server: Cluster, tmp_path: Path) -> None:
    done = check(tmp_path, workshop.backup(), empty_server.url())
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["verdict"], report["findings"]) == ("PASS", [])
    assert report["provenance"]["checks_passed"] >= 10
    suite = ET.parse(tmp_path / "reports/junit.xml").getroot().find("testsuite")
    assert suite is not None
    names = {case.get("name") for case in suite.iter("testcase")}
    assert {"test_content_is_equal[shop]", "test_backup_restores_clean[shop]"} <= names
    assert {"test_table_is_equal[shop: public.events]", "test_table_is_equal[shop: public.customers]"} <= names
    assert (tmp_path / "reports/junit.xml").stat().st_mode & 0o077 == 0
    assert (tmp_path / "reports/report.html").is_file()
    line = json.loads((tmp_path / "reports/history.jsonl").read_text())
    assert (line["target"], line["verdict"]) == ("shop", "PASS")
    assert databases(empty_server) == {"postgres", "template0", "template1"}
    assert empty_server.password not in done.stdout + done.stderr + (tmp_path / "reports/report.html").read_text()


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("DELETE FROM events WHERE what = 'event 7'", "row-counts-are-equal"),
        ("UPDATE events SET what = 'x' WHERE what = 'event 7'", "content-is-equal"),
        ("DROP VIEW open_invoices", "schema-objects-are-equal"),
        ("SELECT setval('customers_id_seq', 5)", "sequences-are-ahead"),
    ],
)
def test_each_side_of_a_bad_backup_has_its_check(
    workshop: Workshop, empty_server: Cluster, tmp_path: Path, script: str, name: str
) -> None:
    done = check(tmp_path, workshop.mutated(script), empty_server.url())
    assert done.returncode == 3, done.stdout + done.stderr
    found = {(finding["id"], finding["subject"]) for finding in json.loads(done.stdout)["findings"]}
    assert (name, "shop") in found
    assert (("table-is-equal", "shop: public.events") in found) == ("events" in script)
    suite = ET.parse(tmp_path / "reports/junit.xml").getroot().iter("testcase")
    cases = {case.get("name", ""): case.find("failure") is None for case in suite}
    assert cases["test_table_is_equal[shop: public.customers]"]
    assert cases["test_table_is_equal[shop: public.events]"] == ("events" not in script)


def test_an_archive_that_does_not_load(workshop: Workshop, empty_server: Cluster, tmp_path: Path) -> None:
    backed = workshop.backup()
    path = artifact(backed, f"backup_{backed.manifest.id}.dump")
    path.write_bytes(path.read_bytes()[:-100])
    done = check(tmp_path, believed(backed), empty_server.url())
    report = json.loads(done.stdout)
    assert done.returncode == 3
    assert {"archive-decodes-to-its-end", "backup-restores-clean"} <= {f["id"] for f in report["findings"]}
    skipped = [item["id"] for item in report["not_evaluated"]]
    assert (skipped.count("content-is-equal"), skipped.count("table-is-equal")) == (1, 1)


def test_nothing_to_restore_into_is_inconclusive(workshop: Workshop, pg_server: Cluster, tmp_path: Path) -> None:
    """The server holds databases of others: nothing is restored into it. What needs no server was checked."""
    done = check(tmp_path, workshop.backup(), pg_server.url())
    report = json.loads(done.stdout)
    assert not any(item["id"] == "content-is-equal" for item in report["findings"])
    assert any(item["id"] == "content-is-equal" for item in report["not_evaluated"])
    assert (done.returncode, report["verdict"]) == (5, "INCONCLUSIVE")


def test_a_server_that_cannot_be_reached_is_named(workshop: Workshop, tmp_path: Path) -> None:
    backed = workshop.backup()
    url = "postgresql://nobody@127.0.0.1:1/postgres"
    done = run(tmp_path, *DBOPS, "check", f"--store={backed.catalog.store.url}", f"--sandbox={url}")
    assert done.returncode == 5, done.stdout + done.stderr
    assert "Connection refused" in done.stdout


def test_what_decides_the_verdict_is_told_first(good: Backed, empty_server: Cluster, tmp_path: Path) -> None:
    settings = [f'[targets.{name}]\nurl = "postgresql://nobody@127.0.0.1:1/x"\n' for name in ("shop", "nothing")]
    (tmp_path / "dbops.toml").write_text(f'[store]\nurl = "{good.catalog.store.url}"\n' + "".join(settings))
    summary = tmp_path / "summary.md"
    argv = [*DBOPS, "check", f"--sandbox={empty_server.url()}", "--json"]
    done = run(tmp_path, *argv, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 5, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["provenance"]["proved"] == ["shop"]
    assert report["not_evaluated"][0]["reason"].startswith("nothing: ")
    assert "not every target was proved" in summary.read_text()


def test_ones_own_checks_get_the_copy(workshop: Workshop, empty_server: Cluster, tmp_path: Path) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks/test_shop.py").write_text(OWN)
    done = check(tmp_path, workshop.backup(), empty_server.url())
    assert done.returncode == 3, done.stdout + done.stderr
    report = json.loads(done.stdout)
    (finding,) = report["findings"]
    assert (finding["id"], finding["expected"]) == ("wishes", "There are a million customers.")
    assert "only 300 customers" in finding["actual"]
    assert databases(empty_server) == {"postgres", "template0", "template1"}


def test_the_trend_of_plain_pytest(good: Backed, empty_server: Cluster, tmp_path: Path) -> None:
    """A history that an earlier run has begun goes on, and the page draws it."""
    options = [f"--dbops-store={good.catalog.store.url}", f"--dbops-sandbox={empty_server.url()}"]
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "dbops.checks", *options]
    drill = [*DBOPS, "drill", f"--store={good.catalog.store.url}", f"--sandbox={empty_server.url()}"]
    assert run(tmp_path, *drill).returncode == 0
    assert len((tmp_path / "reports/history.jsonl").read_text().splitlines()) == 1
    done = run(tmp_path, *argv, "--dbops-html=report.html", "--dbops-history=reports/history.jsonl")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len((tmp_path / "reports/history.jsonl").read_text().splitlines()) == 2
    assert "The figures of the last 2 runs" in (tmp_path / "report.html").read_text()


def test_a_history_that_cannot_be_kept_costs_no_drill(good: Backed, empty_server: Cluster, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("in the way")
    done = run(tmp_path, *DBOPS, "drill", f"--store={good.catalog.store.url}", f"--sandbox={empty_server.url()}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no history is kept" in done.stderr


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "xdist"])
def test_plain_pytest(workshop: Workshop, empty_server: Cluster, tmp_path: Path, workers: list[str]) -> None:
    backed = workshop.backup()
    options = [f"--dbops-store={backed.catalog.store.url}", f"--dbops-sandbox={empty_server.url()}"]
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "checks"), *options, *workers]
    summary = tmp_path / "summary.md"
    files = ["--dbops-html=out/report.html", "--dbops-json=out/report.json"]
    done = run(tmp_path, *argv, *files, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing was proved" not in done.stdout
    assert "## PASS" in summary.read_text()
    assert (tmp_path / "out/report.html").is_file()
    assert len((tmp_path / "out/history.jsonl").read_text().splitlines()) == 1
    text = (tmp_path / "out/report.json").read_text()
    assert '"teardown": "removed"' in text
    assert sum(record.task == "drill" for record in backed.catalog.records.of("shop", backed.manifest.id)) == 1
    assert databases(empty_server) == {"postgres", "template0", "template1"}


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "xdist"])
def test_plain_pytest_that_proves_nothing_ends_with_5(tmp_path: Path, tmp_store: str, workers: list[str]) -> None:
    settings = '[targets.shop]\nurl = "postgresql://nobody@127.0.0.1:1/x"\n'
    (tmp_path / "dbops.toml").write_text(f'[store]\nurl = "{tmp_store}"\n{settings}')
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "checks")]
    done = run(tmp_path, *argv, f"--dbops-config={tmp_path / 'dbops.toml'}", *workers)
    assert done.returncode == 5, done.stdout + done.stderr
    assert "nothing was proved about shop" in done.stdout
    left_out = run(tmp_path, *argv, f"--dbops-config={tmp_path / 'dbops.toml'}", "-k", "private", *workers)
    assert left_out.returncode == 0, left_out.stdout + left_out.stderr
