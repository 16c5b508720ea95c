"""Mistakes that people make, and what they are told: the real place, the real fix, and never a half-done surprise."""

from __future__ import annotations

import ast
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dbops import console
from dbops.catalog import Catalog, State
from dbops.config.file import load
from dbops.config.units import format_size
from dbops.engine.postgres import tools
from dbops.engine.postgres.connect import Access
from dbops.errors import ConfigError, DatabaseError, RefusedError
from dbops.model import Finding, Severity, Verdict
from dbops.ops import prune as pruning
from dbops.ops.doctor import doctor
from dbops.progress import Silent
from dbops.report import listing, text
from dbops.store.base import Unfinished
from dbops.store.local import LocalStore
from dbops.tasks.restore import repeated
from tests.unit.samples import MOMENT, a_catalog, a_manifest, keep
from tests.unit.test_catalog import report
from tests.unit.test_cli import CLEAN, PROGRAM, ROOT, Tty, dbops
from tests.unit.test_doctor import no_engine

DAY = timedelta(days=1)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.mark.parametrize("order", [["--dry", "backup"], ["backup", "--dry"], ["-R", "backup"]])
def test_invokes_own_dry_run_is_refused(tmp_path: Path, order: list[str]) -> None:
    done = dbops(tmp_path, *order, "--url", "postgresql://h/db", "--store", str(tmp_path / "store"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "--dry-run" in done.stderr
    plain = [sys.executable, "-m", "invoke", "--search-root", str(ROOT), *order]
    assert subprocess.run(plain, cwd=tmp_path, capture_output=True, env=CLEAN, timeout=60).returncode == 2


@pytest.mark.parametrize("password", ["se/cret", "se#cret", "se?cret", "12/cret", "12#cret", "12?cret", "se[cret"])
@pytest.mark.parametrize("arguments", [["init", "--dry-run"], ["backup"], ["restore", "--into"]])
def test_a_url_that_hides_no_password_is_refused(tmp_path: Path, password: str, arguments: list[str]) -> None:
    url = f"postgresql://me:{password}@db/shop"
    base = ["--url", "postgresql://h/x"] if arguments[-1] == "--into" else []
    given = [*arguments, url, *base] if base else [*arguments, "--url", url]
    done = dbops(tmp_path, *given, "--store", str(tmp_path))
    assert done.returncode == 2
    assert "cret" not in done.stdout + done.stderr
    assert "%2F" in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:${PW}@h:${PORT}/db",
        "postgresql://u:p@ss@h1:1,h2/db",
        "postgresql://u@[::1]:5432,[::2]/db",
        "postgresql:///db?host=/run/pg&user=me@server",
        "postgresql://u:p%2Fw%23%3F@h/db?options=-c%20a%3D1",
    ],
)
def test_other_urls_are_read(tmp_path: Path, url: str) -> None:
    (tmp_path / "dbops.toml").write_text(f'[targets.a]\nurl = "{url}"\n')
    config = load(environment={"DBOPS_STORE": "/s", "PW": "x", "PORT": "5432"}, folder=tmp_path)
    assert config.file_holds_password is ("u:p" in url)


def test_a_folder_of_path_that_may_not_be_read_is_stepped_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = Path.resolve

    def resolve(path: Path, strict: bool = False) -> Path:
        if path.is_relative_to(tmp_path):
            raise PermissionError(13, "Permission denied")
        return real(path, strict)

    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(Path, "resolve", resolve)
    assert tmp_path not in list(tools._candidates())


def test_where_nothing_can_be_written_the_path_is_named(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file is in the way, for root too")
    done = dbops(tmp_path, "check", "--store", str(tmp_path), "--target", "shop")
    assert done.returncode == 2
    assert "reports/report.html cannot be written" in done.stderr
    (tmp_path / "dbops.toml").mkdir()
    done = dbops(tmp_path, "init", "--url", "postgresql://h/x", "--store", str(tmp_path), "--force")
    assert done.returncode == 2
    assert "dbops.toml cannot be written" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dbops.toml", "reports"]


@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"])
@pytest.mark.parametrize("flag", ["", "--json"])
def test_a_result_that_cannot_be_written_is_told_in_one_line(tmp_path: Path, stdout: str, flag: str) -> None:
    command = f'exec "$0" -c "$1" backups {flag} --store "$2" {stdout}'
    argv = ["sh", "-c", command, sys.executable, PROGRAM, str(tmp_path)]
    env = CLEAN | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, env=env, cwd=tmp_path, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 4
    assert done.stderr.startswith("error: the result could not be written: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["SHA256SUMS", "drills/20270101T000000Z.json"])
def test_prune_keeps_what_looks_like_a_backup_that_lost_its_manifest(tmp_path: Path, name: str) -> None:
    catalog = a_catalog(tmp_path)
    for file in ("backup.dump", name):
        catalog.store.put(f"shop/20200101T000000Z/{file}", b"x")
    [item] = pruning.plan(catalog, "shop", now=datetime.now(UTC) + 3 * DAY, locked=True).items
    assert item.keep
    assert "look at it yourself" in item.reason


def test_prune_says_why_a_workspace_stays(tmp_path: Path) -> None:
    class Working(LocalStore):
        def unfinished(self, prefix: str = "") -> Iterator[Unfinished]:
            yield Unfinished(".work-x", ".work-x", MOMENT)

    [item] = pruning.plan(Catalog(Working(tmp_path)), "shop", now=MOMENT, locked=True).items
    assert (item.keep, "another target" in item.reason) == (True, True)


def test_a_name_that_is_empty_is_no_database(tmp_path: Path) -> None:
    done = dbops(tmp_path, "restore", "--url", "postgresql://h/x", "--store", str(tmp_path), "--into", "")
    assert done.returncode == 2
    assert "--into" in done.stderr


def test_latest_says_which_newer_backups_it_steps_over(tmp_path: Path) -> None:
    catalog = a_catalog(tmp_path / "store")
    keep(catalog, a_manifest())
    for day in (-1, 1):
        catalog.store.put(catalog.key("shop", a_manifest(moment=MOMENT + day * DAY).id, "manifest.json"), b"broken")
    url = "postgresql://127.0.0.1:1/x"
    done = dbops(tmp_path, "restore", "--target", "shop", "--url", url, "--store", catalog.store.url, "--dry-run")
    [line] = [line for line in done.stderr.splitlines() if "unusable" in line]
    assert "20261125" in line
    assert "20261123" not in line


def test_the_driver_does_not_log() -> None:
    assert not logging.getLogger("psycopg").isEnabledFor(logging.WARNING)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ('connection to server at "h" failed: Connection refused\n\tIs the server running?\n', "host and port"),
        ('could not translate host name "h" to address: Name or service not known', "host and port"),
        ('connection failed: FATAL:  no pg_hba.conf entry for host "1.2.3.4"', "pg_hba.conf"),
        ('connection failed: FATAL:  no pg_hba.conf entry for host "1.2.3.4", no encryption', "pg_hba.conf"),
    ],
)
def test_who_cannot_connect_is_told_where_to_look(said: str, hint: str) -> None:
    error = Access("postgresql://h/x")._unreachable(Exception(said))
    assert hint in error.hint
    assert "\n" not in error.message
    assert "\t" not in error.message


def test_a_service_that_is_not_defined_is_told_as_one() -> None:
    with pytest.raises(DatabaseError) as caught:
        Access("postgresql:///?service=no-such-service").connect()
    assert "no-such-service" in caught.value.message
    assert "PGSERVICEFILE" in caught.value.hint


def test_a_question_that_is_not_answered_ends_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin = Tty(tty=True)
    stdin.readline = lambda: ""  # type: ignore[attr-defined]
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(RefusedError):
        console.confirm("Sure?", yes=False)
    assert capsys.readouterr().err == "Sure? [y/N] \n"


def test_doctor_makes_no_folder_of_a_typing_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for folder, severity in ((tmp_path / "a" / "b", Severity.WARNING), (tmp_path / "file" / "b", Severity.ERROR)):
        store = LocalStore(folder)
        found = doctor(None, no_engine, lambda store=store: store, clock=lambda: MOMENT, progress=Silent())  # type: ignore[misc]
        assert [item.severity for item in found.findings if item.id == "store-missing"] == [severity]
        assert not folder.exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("jobs = 0", "targets.a.jobs = 0: expected a whole number from 1 to 64"),
        ("jobs = 65", "targets.a.jobs = 65: expected a whole number from 1 to 64"),
        ('inventory = "full"', "targets.a.inventory = 'full'"),
        ("lock_timeout = 5", 'such as "24h"'),
        ("give_way = 5", '"never"'),
        ('compression = "zstd:20"', "targets.a.compression = 'zstd:20'"),
        ('compression = "lz4"', "gzip:1 to gzip:9"),
        ('freshness = "created_at"', "targets.a.freshness = 'created_at'"),
        ('freshness = "a.b.c.d"', "'schema.table.column'"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_is_allowed(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "dbops.toml").write_text(f'[targets.a]\nurl = "postgresql://h/a"\n{line}\n')
    with pytest.raises(ConfigError) as caught:
        load(environment={"DBOPS_STORE": "/s"}, folder=tmp_path)
    assert told in str(caught.value)
    assert f"targets.a.{line.split()[0]}" in caught.value.message


def test_a_misspelt_url_of_the_store_is_what_is_told(tmp_path: Path) -> None:
    (tmp_path / "dbops.toml").write_text('[store]\nurll = "file:///s"\n')
    with pytest.raises(ConfigError, match=r"store\.urll: unknown key") as caught:
        load(environment={}, folder=tmp_path)
    assert "did you mean 'url'?" in caught.value.hint


@pytest.mark.parametrize(
    "line", ['compression = "none"', 'compression = "zstd:19"', 'freshness = "o.at"', 'freshness = "public.o.at"']
)
def test_values_that_can_be_are_taken(tmp_path: Path, line: str) -> None:
    (tmp_path / "dbops.toml").write_text(f'[targets.a]\nurl = "postgresql://h/a"\n{line}\n')
    assert load(environment={"DBOPS_STORE": "/s"}, folder=tmp_path).target()


def test_amounts_read_well() -> None:
    assert format_size(2 * 10**15) == "2000 TB"
    for length in range(60, 80):
        lines = text.wrap(f"{'x' * length} 298 kB free", "", "").splitlines()
        assert sum("298 kB" in line for line in lines) == 1
    finding = Finding(id="clock", severity=Severity.INFO, subject="clock", actual="agrees")
    assert "clock: " not in text.finding(finding)


def test_the_list_of_backups_fits_a_terminal(tmp_path: Path) -> None:
    catalog = a_catalog(tmp_path)
    manifest = keep(catalog, a_manifest("shop-finance"))
    catalog.records.add(manifest, report(Verdict.PASS), MOMENT + timedelta(minutes=59, seconds=3))
    for later in (timedelta(hours=23, minutes=17), timedelta(days=300, hours=7)):
        shown = listing.text(listing.collect(catalog, None), MOMENT + later, catalog.store.url)
        assert max(map(len, shown.splitlines())) <= 80
    assert listing.text([], MOMENT, "s3://b/p") == "no backups in s3://b/p\n"


@pytest.mark.parametrize("task", ["verify", "backups"])
def test_a_target_that_is_nowhere_is_a_mistake(tmp_path: Path, task: str) -> None:
    catalog = a_catalog(tmp_path / "store")
    keep(catalog, a_manifest())
    done = dbops(tmp_path, task, "--target", "nope", "--store", catalog.store.url)
    assert done.returncode == 2
    assert "there is no target 'nope'" in done.stderr
    assert "the store has: shop" in done.stderr


def test_check_shows_its_report_and_nothing_else(tmp_path: Path) -> None:
    catalog = a_catalog(tmp_path / "store")
    manifest = keep(catalog, a_manifest())
    broken = a_manifest(moment=MOMENT + DAY)
    catalog.store.put(catalog.key("shop", broken.id, "manifest.json"), b"broken")
    assert [item.state for item in catalog.list()] == [State.BROKEN, State.OK]
    done = dbops(tmp_path, "check", "--store", catalog.store.url, "--json")
    assert done.returncode == 3, done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert "dbops.errors" not in done.stdout
    assert "every-manifest-is-usable" in [item["id"] for item in found["findings"]]
    assert manifest.target in found["target"]
    assert (tmp_path / "reports" / "junit.xml").stat().st_size > 100


def test_the_hint_of_an_empty_store_is_a_command(tmp_path: Path) -> None:
    done = dbops(tmp_path, "verify", "--store", str(tmp_path))
    assert "dbops backup" in done.stderr


def test_advice_repeats_the_flags_without_the_password() -> None:
    given = repeated(
        target=None, url="postgresql://me:secret@h/x", store="file:///s", into="postgresql://me:secret@k/y"
    )
    assert "secret" not in " ".join(given)
    assert dict(zip(given[::2], given[1::2], strict=True)) == {
        "--store": "file:///s",
        "--url": "postgresql://me@h/x",
        "--into": "postgresql://me@k/y",
    }


def test_advice_names_the_command_that_every_installation_has() -> None:
    """`invoke` finds tasks only in a checkout; `dbops` is everywhere. Docstrings are help texts."""
    tasks = "|".join(("backups?", "check", "doctor", "drill", "gate", "init", "migrate", "prune", "restore", "status"))
    said = re.compile(rf"\binvoke ({tasks})\b")
    for file in [*(ROOT / "dbops").rglob("*.py"), *(ROOT / "checks").rglob("*.py")]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        documented = {node.body[0] for node in ast.walk(tree) if isinstance(node, _DOCUMENTED) and node.body}
        prose = {node.value for node in documented if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose:
                assert not said.search(node.value), f"{file}:{node.lineno}"
