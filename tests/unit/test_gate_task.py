"""`gate` as a command: verdicts, exit codes, forms and files; and every mistake with its own words."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from lxml import etree

from dbops.engine.base import VersionRows
from dbops.migrations.history import read
from dbops.migrations.rules import RULES
from dbops.model import Verdict
from dbops.ops.gate import Settings, gate
from dbops.ops.migration_ground import Ground
from dbops.ops.migration_report import MigrationReport
from dbops.report.json import migration_schema
from tests.unit.migration_samples import project, write
from tests.unit.test_cli import dbops

ROOT = Path(__file__).parents[2]
STATIC = ("gate", "--static", "--directory", "migrations")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project(tmp_path, {"a": None, "b": "a", "c": "b"}, downgrade="op.x()")


def judged(folder: Path, *rows: str) -> MigrationReport:
    version = VersionRows("alembic_version", True, frozenset(rows))
    ground = Ground(read(folder), target="shop", version=version)
    return gate(ground, Settings(), clock=lambda: datetime(2026, 11, 24, tzinfo=UTC))


# --- verdicts ---------------------------------------------------------------------------------------------------


def test_static_needs_nothing_and_says_what_it_did_not_look_at(folder: Path, tmp_path: Path) -> None:
    done = dbops(tmp_path, *STATIC, DBOPS_CONFIG="/nowhere/dbops.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "ledger, drift, lint, commutativity, rehearsal: no" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("PASS  gate: nothing speaks against it (23 rules judged")


def test_a_fork_is_no_go(folder: Path, tmp_path: Path) -> None:
    write(folder / "versions", "d", "b")
    done = dbops(tmp_path, *STATIC)
    assert done.returncode == 3
    assert done.stdout.splitlines()[-1].startswith("FAIL  gate: no-go")


def test_what_cannot_be_judged_is_no_pass(folder: Path, tmp_path: Path) -> None:
    path = folder / "versions" / "b_x.py"
    path.write_text(path.read_text().replace("revision = 'b'", "revision = 'b'.lower()"))
    done = dbops(tmp_path, *STATIC)
    assert done.returncode == 5
    assert "migration-computed" in done.stdout


def test_with_something_pending_the_steps_that_are_missing_keep_it_from_go(folder: Path) -> None:
    report = judged(folder, "a")
    assert report.verdict is Verdict.INCONCLUSIVE
    assert [one.id for one in report.not_evaluated][:4] == ["drift", "lint", "commutativity", "rehearsal"]
    assert judged(folder, "c").verdict is Verdict.PASS


def test_single_revisions_are_judged_when_they_are_pending(folder: Path) -> None:
    write(folder / "versions", "b", "a", downgrade="pass")
    assert [one.id for one in judged(folder, "a").findings] == [
        "migration-downgrade-empty",
        "migration-database-behind",
    ]
    assert [one.id for one in judged(folder, "b").findings] == ["migration-database-behind"], "what has run is no news"


# --- forms and files --------------------------------------------------------------------------------------------


def test_forms(folder: Path, tmp_path: Path) -> None:
    write(folder / "versions", "d", "b")
    for form in ("json", "junit", "sarif", "github"):
        done = dbops(tmp_path, *STATIC, "--format", form)
        assert (done.returncode, done.stderr) == (3, ""), form
        if form == "json":
            assert json.loads(done.stdout)["heads"] == ["c", "d"]
        elif form == "sarif":
            assert json.loads(done.stdout)["version"] == "2.1.0"
        elif form == "github":
            assert done.stdout.startswith("::error file=migrations/versions/d_x.py,line=13,")
        else:
            root = etree.fromstring(done.stdout.encode())
            schema = etree.XMLSchema(etree.parse(ROOT / "tests/unit/junit-xunit2.xsd"))
            schema.assertValid(root)
            failed = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
            assert failed == [f"migration-heads: {RULES['migration-heads'].why}"]


def test_files(folder: Path, tmp_path: Path) -> None:
    flags = ["--sarif", "out/g.sarif", "--junit", "out/g.xml", "--html", "out/g.html"]
    summary = tmp_path / "summary.md"
    done = dbops(tmp_path, *STATIC, *flags, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"g.sarif", "g.xml", "g.html"}
    page = (tmp_path / "out" / "g.html").read_text()
    assert "<svg" in page
    assert "3 revisions in a line" not in page
    assert "no rule speaks against these revisions" in page
    assert summary.read_text().startswith("## PASS")


def test_a_suppression_shows_in_every_form(folder: Path, tmp_path: Path) -> None:
    write(folder / "versions", "d", "c")
    (tmp_path / "dbops.toml").write_text(
        '[targets.shop]\nurl = "postgresql://h/shop"\n[targets.shop.migrations]\nkind = "alembic"\n'
        'directory = "migrations"\n[[targets.shop.migrations.suppress]]\nrule = "migration-heads"\nrevision = "e"\n'
        'reason = "merged next week"\nowner = "ana"\nexpires = 9999-12-31\n'
    )
    write(folder / "versions", "e", "b")
    summary = tmp_path / "summary.md"
    flags = ["--sarif", "g.sarif", "--junit", "g.xml", "--html", "g.html"]
    done = dbops(tmp_path, "gate", "--static", "--target", "shop", *flags, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 0, done.stdout + done.stderr
    forms = [(tmp_path / name).read_text() for name in ("g.sarif", "g.xml", "g.html", "summary.md")]
    for form in ("text", "json", "github"):
        forms.append(dbops(tmp_path, "gate", "--static", "--target", "shop", "--format", form).stdout)
    for text in forms:
        assert "merged next week" in text.replace("\\", "").replace("\n         ", " ")


def test_the_report_keeps_to_the_published_schema(folder: Path, tmp_path: Path) -> None:
    published = json.loads((ROOT / "docs" / "gate.schema.json").read_text())
    regenerate = "print(json.dumps(migration_schema(), indent=2)), of dbops.report.json"
    assert published == json.loads(json.dumps(migration_schema())), f"write it anew: {regenerate}"
    for task in (STATIC, ("status", "--directory", "migrations")):
        report = json.loads(dbops(tmp_path, *task, "--json").stdout)
        jsonschema.validate(report, published)
        assert report.keys() > {"task", "verdict", "findings", "not_evaluated", "heads", "current", "pending"}


def test_all_rules(tmp_path: Path) -> None:
    done = dbops(tmp_path, "gate", "--rules")
    assert done.returncode == 0
    assert all(name in done.stdout for name in RULES)
    listed = json.loads(dbops(tmp_path, "gate", "--rules", "--json").stdout)
    assert [one["id"] for one in listed] == list(RULES)


# --- the merge with a branch ------------------------------------------------------------------------------------


def test_02_base(folder: Path, tmp_path: Path) -> None:
    def git(*argv: str) -> None:
        who = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *argv], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "x")
    git("checkout", "-q", "-b", "feature")
    write(folder / "versions", "d", "c", downgrade="pass")
    done = dbops(tmp_path, *STATIC, "--base", "main", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, [one["id"] for one in report["pending"]], report["since"]) == (0, ["d"], "main")
    assert [one["id"] for one in report["findings"]] == ["migration-downgrade-empty"], "of what main lacks"
    (folder / "versions" / "a_x.py").rename(folder / "versions" / "a_moved.py")
    report = json.loads(dbops(tmp_path, *STATIC, "--base", "main", "--json").stdout)
    assert [one["id"] for one in report["pending"]] == ["d"], "a file that was moved is not new"
    done = dbops(tmp_path, *STATIC, "--base", "origin/main")
    assert (done.returncode, done.stdout) == (2, "")
    assert "git knows no commit 'origin/main'" in done.stderr


# --- mistakes ---------------------------------------------------------------------------------------------------


def test_mistakes(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bare" / "versions").mkdir(parents=True)
    for code, words, arguments in (
        (2, "nowhere is not there", ["--static", "--directory", "nowhere"]),
        (2, "is a file, not a folder", ["--static", "--directory", "migrations/env.py"]),
        (2, "no env.py, no versions/", ["--static", "--directory", "empty"]),
        (5, "there is no revision in", ["--static", "--directory", "bare"]),
        (2, "is in no git checkout", ["--static", "--directory", "migrations", "--base", "main"]),
        (2, "no migrations are given", ["--static"]),
        (2, "--format xml", ["--static", "--directory", "migrations", "--format", "xml"]),
        (2, "leave out --url", ["--static", "--directory", "migrations", "--url", "postgresql://h/x"]),
        (2, "give --sarif with a path", ["--static", "--directory", "migrations", "--sarif", "/proc/no/x"]),
    ):
        done = dbops(tmp_path, "gate", *arguments)
        assert (done.returncode, done.stdout) == (code, ""), (arguments, done.stderr)
        assert words in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(folder: Path, tmp_path: Path) -> None:
    (folder / "versions" / "b_x.py").chmod(0)
    done = dbops(tmp_path, *STATIC)
    assert done.returncode == 3
    assert "versions/b_x.py: expected a file of Python, found Permission denied" in done.stdout.replace(
        "\n        ", ""
    )
