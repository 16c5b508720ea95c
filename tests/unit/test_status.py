"""`status`: where the database stands to the code, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dbops.engine.base import VersionRows
from dbops.migrations.history import read
from dbops.model import Verdict
from dbops.ops.gate import Settings
from dbops.ops.migration_ground import Ground
from dbops.ops.migration_report import MigrationReport
from dbops.ops.status import status
from dbops.report import migrations_text
from tests.unit.migration_samples import project, write
from tests.unit.test_cli import dbops

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
Shown = Callable[..., tuple[MigrationReport, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project(tmp_path, {"a": None, "b": "a", "c": "b"})


@pytest.fixture
def shown(folder: Path) -> Shown:
    def run(*rows: str, found: bool = True) -> tuple[MigrationReport, str]:
        history = read(folder)
        version = VersionRows("public.alembic_version", found, frozenset(rows))
        report = status(Ground(history, target="shop", version=version), Settings(), clock=lambda: NOW)
        return report, migrations_text.status(report, history)

    return run


def test_behind(shown: Shown) -> None:
    report, text = shown("a")
    assert (report.verdict, report.standing, report.current, report.heads) == (Verdict.PASS, "behind", ("a",), ("c",))
    assert [(one.id, one.file, one.message) for one in report.pending or ()] == [
        ("b", "versions/b_x.py", "revision b"),
        ("c", "versions/c_x.py", "revision c"),
    ]
    assert text == (
        "database  a (behind the code)\n"
        "code      3 revisions, one head: c revision c\n"
        "pending   2, in this order:\n"
        "         1. b  revision b  [versions/b_x.py]\n"
        "         2. c  revision c  [versions/c_x.py]\n"
        "\n"
        "OK  no conflict; before they run: dbops gate (2 revisions pending)\n"
    )


def test_at_head(shown: Shown) -> None:
    report, text = shown("c")
    assert (report.verdict, report.standing, report.pending) == (Verdict.PASS, "at-head", ())
    assert text.endswith("pending   nothing\n\nOK  nothing to do\n")


@pytest.mark.parametrize("found", [True, False])
def test_nothing_was_applied(shown: Shown, found: bool) -> None:
    report, text = shown(found=found)
    assert len(report.pending or ()) == 3
    assert "nothing in public.alembic_version: no revision was applied" in text.replace("\n          ", " ")


def test_14_a_database_that_the_code_does_not_know(shown: Shown) -> None:
    report, text = shown("zz")
    assert (report.verdict, report.standing, report.pending) == (Verdict.FAIL, "unknown", None)
    assert report.findings[0].subject == "public.alembic_version"
    assert "at a revision that the code does not have" in text
    assert "pending   not known" in text
    assert text.splitlines()[-1].startswith("CONFLICT")


def test_15_beside(shown: Shown) -> None:
    report, text = shown("b", "zz")
    assert (report.verdict, report.standing) == (Verdict.FAIL, "beside")
    assert "beside the code" in text


def test_two_heads_are_a_conflict(shown: Shown, folder: Path) -> None:
    write(folder / "versions", "d", "b")
    report, text = shown("b")
    assert report.verdict is Verdict.FAIL
    assert "2 heads: c revision c, d revision d" in text
    assert "ERROR    migration-heads" in text


def test_what_cannot_be_read_is_never_fine(shown: Shown, folder: Path) -> None:
    path = folder / "versions" / "b_x.py"
    path.write_text(path.read_text().replace("revision = 'b'", "revision = 'b'.lower()"))
    report, text = shown("a")
    assert (report.verdict, report.heads, report.pending) == (Verdict.INCONCLUSIVE, (), None)
    assert "heads not known" in text
    assert "\nUNKNOWN  " in text


# --- as a command -----------------------------------------------------------------------------------------------


def test_a_directory_alone_needs_no_configuration(folder: Path, tmp_path: Path) -> None:
    done = dbops(tmp_path, "status", "--directory", "migrations", DBOPS_CONFIG="/nowhere/dbops.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "not looked at" in done.stdout
    done = dbops(tmp_path, "status", "--directory", "migrations", "--json")
    report = json.loads(done.stdout)
    assert (report["heads"], report["current"], report["pending"]) == (["c"], None, None)
    write(folder / "versions", "d", "b")
    assert dbops(tmp_path, "status", "--directory", "migrations").returncode == 3


def test_a_target_needs_its_directory(tmp_path: Path) -> None:
    (tmp_path / "dbops.toml").write_text('[targets.shop]\nurl = "postgresql://nobody@localhost:1/none"\n')
    done = dbops(tmp_path, "status")
    assert done.returncode == 2
    assert "[targets.shop.migrations]" in done.stderr
    assert "no store" not in done.stderr


def test_a_server_that_is_not_there(folder: Path, tmp_path: Path) -> None:
    done = dbops(tmp_path, "status", "--directory", "migrations", "--url", "postgresql://nobody@localhost:1/none")
    assert done.returncode == 4
    assert "cannot connect" in done.stderr
