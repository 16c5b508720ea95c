"""`migrate` and its tasks on real servers: from pending to head, with backup, ledger, and the way back."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.applications import alembic_project, write_revision
from tests.keys import new_identity
from tests.migrating import FIRST, Bench, Project, bench

NOTES = ("op.create_table('notes', sa.Column('id', sa.Integer, primary_key=True))", "op.drop_table('notes')")


@pytest.fixture(scope="module", params=["postgres", "mariadb10.11"])
def server(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with bench(request.param) as running:
        yield running


@pytest.fixture
def project(server: Bench, tmp_path: Path) -> Project:
    alembic_project(tmp_path, {"r1": FIRST, "r2": NOTES})
    return Project(server, tmp_path)


def test_from_empty_to_head(project: Project) -> None:
    report = project.run("migrate", "--yes")
    assert (report["verdict"], report["current"], report["pending"]) == ("PASS", ["r2"], [])
    assert (report["standing"], "migration-database-behind" in json.dumps(report["findings"])) == ("at-head", False)
    assert report["provenance"]["applied"] == ["r1", "r2"]
    assert project.value("SELECT count(*) FROM customers") == 3
    table = "dbops.ledger" if project.bench.postgres else "dbops_ledger"
    assert project.rows(f"SELECT id FROM {table} ORDER BY number") == [("r1",), ("r2",)]
    assert project.run("status")["standing"] == "at-head"
    again = project.run("migrate", "--yes")
    assert (again["verdict"], "applied" in again["provenance"]) == ("PASS", False)
    # The backup and its drill hold the ledger as any other table.
    project.run("backup")
    assert project.run("drill", f"--sandbox={project.empty}")["verdict"] == "PASS"


def test_a_dry_run_and_the_sql(project: Project) -> None:
    sql = project.run("migrate", "--sql")["sql"]
    assert "CREATE TABLE notes" in sql
    report = project.run("migrate", "--dry-run")
    assert report["provenance"]["dry_run"] is True
    assert report["rehearsal"]["reached"] == ["r2"]
    assert project.tables() == set()


def test_to_a_revision(project: Project) -> None:
    assert project.run("migrate", "--to", "r1", "--yes")["current"] == ["r1"]
    assert project.tables() >= {"customers"}
    assert "notes" not in project.tables()


def test_without_yes_and_without_a_terminal_it_refuses(project: Project) -> None:
    error = project.run("migrate", code=2)["error"]
    assert error["kind"] == "no-confirmation"
    assert project.tables() == set()


def test_not_all_judged_is_not_migrated(project: Project) -> None:
    (project.folder / "migrations" / "versions" / "r2.py").write_text("revision = 'R2'.lower()\ndown_revision = 'r1'\n")
    report = project.run("migrate", "--yes", code=5)
    assert "migration-not-judged" in [one["id"] for one in report["findings"]]
    assert project.tables() == set()


def test_the_ledger_sees_what_was_changed_since(project: Project) -> None:
    """Cases 17 and 18, for real."""
    project.run("migrate", "--yes")
    assert project.findings("gate") == []
    scripts = project.folder / "migrations"
    file = scripts / "versions" / "r2.py"
    before = file.read_text()
    file.write_text(before + "\n# edited\n")
    assert project.findings("gate") == ["migration-edited"]
    file.write_text(before.replace("down_revision = 'r1'", "down_revision = 'r1b'"))
    write_revision(scripts, "r1b", "r1", "op.create_table('never', sa.Column('id', sa.Integer))")
    assert "migration-never-runs" in project.findings("gate", code=3)


TOWNS = """
op.create_table('before', sa.Column('id', sa.Integer))
op.create_index('u', 'customers', ['town'], unique=True)
"""


@pytest.fixture
def surprised(project: Project) -> Project:
    """Its gate will say go, and its upgrade will fail: a row comes after the backup that is rehearsed on."""
    project.run("migrate", "--to", "r1", "--yes")
    write_revision(project.folder / "migrations", "r2", "r1", TOWNS)
    project.execute("DELETE FROM customers WHERE id = 3")
    time.sleep(1.1)  # an id is a second
    project.run("backup")
    project.execute("INSERT INTO customers (id, email, town) VALUES (4, 'd@x', 'Vic')")
    return project


def test_a_migration_that_fails_in_the_middle(surprised: Project) -> None:
    """Cases 40 and 19."""
    project = surprised
    report = project.run("migrate", "--yes", code=3)
    found = {one["id"]: one for one in report["findings"]}
    assert "CREATE UNIQUE INDEX" in found["migration-failed"]["actual"]
    backup = report["provenance"]["safety_backup"]
    assert f"--backup {backup}" in found["way-back"]["hint"]
    assert report["current"] == ["r1"]
    assert project.value("SELECT count(*) FROM customers") == 3
    if project.bench.postgres:
        assert "before" not in project.tables()
        assert "migration-half-applied" not in found
        assert project.findings("status") == []
    else:
        assert "in       CREATE TABLE `before`" in found["migration-half-applied"]["actual"]
        assert "missing  CREATE UNIQUE INDEX" in found["migration-half-applied"]["actual"]
        assert "before" in project.tables()
        # Whoever comes later is told, and what is in is found out on a copy.
        project.execute("DELETE FROM customers WHERE id = 4")
        time.sleep(1.1)
        project.run("backup")
        later = {one["id"]: one for one in project.run("gate", code=3)["findings"]}
        assert backup in later["migration-interrupted"]["hint"]
        assert "in       CREATE TABLE `before`" in later["migration-half-applied"]["actual"]
        resume = later["migration-half-applied"]["hint"].partition("\n")[2].rpartition("or restore")[0]
        assert "CREATE TABLE" not in resume
        project.execute(*[one for one in resume.split(";\n") if one.strip()])
        assert project.run("status")["standing"] == "at-head"


def test_an_upgrade_that_ends_well_and_has_done_nothing(project: Project) -> None:
    """Case 42, past a rehearsal that went well: on the live server alone the application does nothing."""
    env = project.folder / "migrations" / "env.py"
    live = f":{urlsplit(project.bench.url(project.name)).port}/"
    idle = f"elif {live!r} not in config.get_main_option('sqlalchemy.url'):\n    run_migrations_online()"
    env.write_text(env.read_text().replace("else:\n    run_migrations_online()", idle))
    report = project.run("migrate", "--yes", code=3)
    found = {one["id"]: one for one in report["findings"]}
    assert "says that it is done" in found["migration-not-at-head"]["actual"]
    assert report["provenance"]["safety_backup"] in found["way-back"]["hint"]
    assert (report["current"], project.tables()) == ([], set())


def test_auto_restore(surprised: Project) -> None:
    project = surprised
    report = project.run("migrate", "--yes", "--auto-restore", code=3)
    assert report["current"] == ["r1"]
    assert "before" not in project.tables()
    assert project.value("SELECT count(*) FROM customers") == 3
    found = [one["id"] for one in report["findings"]]
    assert ("restored" in found) is not project.bench.postgres  # a rolled back transaction needs none


def test_the_application_is_stopped_and_started(project: Project) -> None:
    log = project.folder / "log"
    app = (
        f"[targets.shop.app]\nstop = ['sh', '-c', 'echo stop >> {log}']\nstart = ['sh', '-c', 'echo start >> {log}']\n"
    )
    project.configure(app)
    project.run("migrate", "--yes")
    assert log.read_text().split() == ["stop", "start"]
    log.unlink()
    write_revision(project.folder / "migrations", "r3", "r2", "op.execute('nonsense')")
    project.run("migrate", "--yes", code=3)
    assert not log.exists()  # the gate said no


def test_a_verified_backup_does_for_the_safety_backup(project: Project) -> None:
    project.configure(migrations='safety_backup_age = "1h"\n')
    report = project.run("migrate", "--yes")
    assert report["provenance"]["safety_backup"] == report["rehearsal"]["backup"]
    project.configure()
    write_revision(project.folder / "migrations", "r3", "r2", "op.create_table('more', sa.Column('id', sa.Integer))")
    report = project.run("migrate", "--yes")
    assert report["provenance"]["safety_backup"] != report["rehearsal"]["backup"]


def test_encrypted_backups_serve_a_migration(project: Project) -> None:
    """The backup that is rehearsed on is decrypted, the safety backup is encrypted."""
    key, recipient = new_identity(project.folder)
    table = f"[targets.shop.encryption]\nrecipients = ['{recipient}']\n"
    project.configure(table + f"identity_file = '{key}'\n")
    report = project.run("migrate", "--yes")
    assert (report["verdict"], report["current"]) == ("PASS", ["r2"])
    folder = project.folder / "store" / "shop" / report["provenance"]["safety_backup"]
    assert {path.name for path in folder.iterdir() if path.is_file() and path.suffix != ".age"} == {
        "manifest.json", "RESTORE.md", "SHA256SUMS"
    }  # fmt: skip
    project.configure(table)
    write_revision(project.folder / "migrations", "r3", "r2", "op.create_table('more', sa.Column('id', sa.Integer))")
    found = project.run("rehearse", code=None)
    assert found["verdict"] == "INCONCLUSIVE"
    assert recipient in json.dumps(found["not_evaluated"])


def test_no_secret_anywhere(project: Project) -> None:
    write_revision(
        project.folder / "migrations", "r3", "r2", "raise ValueError(op.get_bind().engine.url.render_as_string(False))"
    )
    done: Any = project.raw("migrate", "--yes")
    assert isinstance(done, subprocess.CompletedProcess)
    assert done.returncode == 3
    assert project.bench.password not in done.stdout + done.stderr
    assert json.loads(done.stdout)["verdict"] == "FAIL"
