"""The checks of the migration graph, as `pytest` runs them: what each says of a graph and a backup."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import msgspec
import pytest

from dbops import checks
from dbops.model import Migration
from tests.unit.migration_samples import project, write
from tests.unit.samples import a_catalog, a_manifest, keep

CHECKS = Path(checks.__file__).parent / "test_migrations.py"
SETTINGS = """
[store]
url = "{root}/store"
[targets.shop]
url = "postgresql://nobody@localhost:1/none"
"""
MIGRATIONS = """
[targets.shop.migrations]
kind = "alembic"
directory = "{root}/migrations"
"""
REPORT = "report.json"
READ, HEAD, DATABASE = "graph_can_be_read", "graph_has_one_head", "is_at_head_of_the_code"
Check = Callable[..., dict[str, str]]


class Outcomes:
    """A plugin of pytest that keeps the outcome and the reason of each check by its name."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.partition("::test_")[2].partition("[")[0]
        if report.when == "call" or not report.passed:
            text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
            short = name.removeprefix("migration_").removeprefix("database_")
            self.found[short] = f"{report.outcome}: {text}".removesuffix(": ")


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Runs the checks on a backup whose source was at `current`."""

    def run(*current: str, migrations: str = MIGRATIONS) -> dict[str, str]:
        keep(a_catalog(tmp_path / "store"), msgspec.structs.replace(a_manifest(), migration=Migration(heads=current)))
        settings = tmp_path / "dbops.toml"
        settings.write_text((SETTINGS + migrations).format(root=tmp_path))
        options = ["-q", "-c", os.devnull, "--rootdir", str(CHECKS.parent), "--confcutdir", str(CHECKS.parent)]
        options += ["-p", "no:cacheprovider", "--capture=no", f"--dbops-config={settings}"]
        options.append(f"--dbops-json={tmp_path / REPORT}")
        outcomes = Outcomes()
        with redirect_stdout(io.StringIO()):
            pytest.main([*options, str(CHECKS)], plugins=[outcomes])
        return outcomes.found

    return run


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    return project(tmp_path, {"a": None, "b": "a"}) / "versions"


def test_a_database_at_head(check: Check, versions: Path) -> None:
    assert check("b") == {READ: "passed", HEAD: "passed", DATABASE: "passed"}


def test_behind_is_neither_a_failure_nor_at_head(check: Check, versions: Path) -> None:
    found = check("a")
    assert (found[READ], found[HEAD]) == ("passed", "passed")
    assert found[DATABASE].startswith("skipped: ")
    assert found[DATABASE].endswith("behind the code, 1 pending: b")


def test_a_database_that_the_code_does_not_know(check: Check, versions: Path) -> None:
    found = check("zz")
    assert found[DATABASE].startswith("failed: alembic_version: migration-database-unknown: ")
    assert "zz, which no file declares" in found[DATABASE]


def test_two_heads(check: Check, versions: Path) -> None:
    write(versions, "c", "a")
    found = check("b")
    assert found[READ] == "passed"
    assert "migration-heads: expected one head, found 2 heads after a" in found[HEAD]
    assert "skipped" in found[DATABASE], "behind: c is pending"


def test_no_backup_is_to_blame_for_two_heads(check: Check, versions: Path, tmp_path: Path) -> None:
    write(versions, "c", "a")
    check("b")
    report = json.loads((tmp_path / REPORT).read_text())
    assert (report["verdict"], report["failure"]) == ("FAIL", "rule-broken")


def test_a_file_that_cannot_be_read_leaves_the_rest_not_evaluated(check: Check, versions: Path) -> None:
    (versions / "b_x.py").write_text("def (")
    found = check("b")
    assert found[READ].startswith("failed: versions/b_x.py:1: migration-unreadable")
    for name in (HEAD, DATABASE):
        assert found[name].startswith("skipped: ")
        assert "versions/b_x.py:1" in found[name]


def test_a_computed_id_is_not_evaluated(check: Check, versions: Path) -> None:
    path = versions / "b_x.py"
    path.write_text(path.read_text().replace("revision = 'b'", "revision = 'b'.lower()"))
    found = check("b")
    assert {text.partition(":")[0] for text in found.values()} == {"skipped"}
    assert all("versions/b_x.py:12" in text for text in found.values())


def test_a_dangling_parent_and_a_cycle(check: Check, versions: Path) -> None:
    write(versions, "c", "nothing")
    assert "versions/c_x.py:13: migration-parent-missing" in check("b")[READ]
    write(versions, "c", "c")
    found = check("b")
    assert "migration-cycle" in found[READ]
    assert "skipped" in found[HEAD]
    assert "skipped" in found[DATABASE]


def test_what_is_not_configured_not_there_or_empty_is_skipped(check: Check, tmp_path: Path) -> None:
    for found, reason in (
        (check("b", migrations=""), "migrations.directory is not set"),
        (check("b"), "is not on this machine"),
    ):
        assert all(reason in text and text.startswith("skipped") for text in found.values())
        assert len(found) == 3
    project(tmp_path, {})
    assert all("there is no revision in" in text for text in check("b").values())


def test_a_source_without_a_version_table(check: Check, versions: Path) -> None:
    found = check()
    assert found[HEAD] == "passed"
    assert found[DATABASE].endswith("the source had no migration tool's version table, or nothing in it")
