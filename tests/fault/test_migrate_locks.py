"""While it runs: somebody holds a lock, two run at once, it is killed (cases 38, 39 and 41)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dbops.config import Migrations
from dbops.config.urls import Secret
from dbops.migrations.runner import Runner
from tests.applications import alembic_project, write_revision
from tests.migrating import FIRST, NAMES, Bench, Project, bench
from tests.restoring import DBOPS, ROOT
from tests.waiting import until

COLUMN = "op.add_column('customers', sa.Column('age', sa.Integer))"
QUICK = 'lock_timeout = "1s"\nretries = 1\nretry_wait = "1s"\n'


on_all = pytest.mark.parametrize("server", NAMES, indirect=True)
on_two = pytest.mark.parametrize("server", NAMES[:2], indirect=True)
"""Where MySQL does as MariaDB does."""


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with bench(request.param) as running:
        yield running


@pytest.fixture
def project(server: Bench, tmp_path: Path) -> Project:
    """At its first revision, with another that adds a column to a table in use."""
    scripts = alembic_project(tmp_path, {"r1": FIRST})
    made = Project(server, tmp_path)
    runner = Runner(Migrations(kind="alembic", directory=scripts), Secret(server.url(made.name)))
    assert runner.upgrade("r1").finished
    made.run("backup")
    write_revision(scripts, "r2", "r1", COLUMN, "op.drop_column('customers', 'age')")
    made.configure(migrations=QUICK + 'safety_backup_age = "1h"\n')
    return made


@contextmanager
def idle_transaction(project: Project) -> Iterator[Any]:
    """Somebody has read, and gone to lunch."""
    connection = project.bench.connect(project.name)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM customers")
            cursor.fetchall()
        yield connection
    finally:
        connection.rollback()
        connection.close()


def start(project: Project, *arguments: str) -> subprocess.Popen[str]:
    path = f"{project.bench.server.bindir}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        [*DBOPS, "migrate", "--yes", "--json", *arguments],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


# -- 38 --------------------------------------------------------------------------------------------------------------


@on_all
def test_an_idle_transaction_holds_the_lock(project: Project) -> None:
    """It gives up, says who; and the application, which reads all the time, never queues behind it for long: readers
    who would not wait ten times `lock_timeout` are all served."""
    limit = "SET lock_timeout = '10s'" if project.bench.postgres else "SET SESSION lock_wait_timeout = 10"
    refused: list[Exception] = []
    over = threading.Event()

    def read() -> None:
        while not over.wait(0.05):
            try:
                project.bench.execute(project.name, limit, "SELECT count(*) FROM customers")
            except Exception as error:
                refused.append(error)

    reader = threading.Thread(target=read)
    with idle_transaction(project):
        reader.start()
        try:
            report = project.run("migrate", "--yes", code=4)
        finally:
            over.set()
            reader.join()
    assert refused == []
    [found] = [one for one in report["findings"] if one["id"] == "migration-blocked"]
    assert "session" in found["actual"]
    assert "idle in transaction" in found["actual"]
    assert report["provenance"]["attempts"] == 2
    assert report["current"] == ["r1"]
    assert project.run("migrate", "--yes")["current"] == ["r2"]


@on_two
def test_it_is_tried_again_when_the_lock_is_free(project: Project) -> None:
    project.configure(migrations='lock_timeout = "1s"\nretries = 20\nretry_wait = "1s"\nsafety_backup_age = "1h"\n')
    with idle_transaction(project) as holder:
        process = start(project)
        lines: list[str] = []
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            if "was not granted" in line:
                break
        holder.rollback()
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out + "".join(lines)
    report = json.loads(out)
    assert (report["current"], report["provenance"]["attempts"] > 1) == (["r2"], True)


# -- 39 --------------------------------------------------------------------------------------------------------------


@on_two
def test_two_at_once(project: Project) -> None:
    project.configure(migrations='lock_timeout = "60s"\nsafety_backup_age = "1h"\n')
    with idle_transaction(project) as holder:
        first = start(project)
        until(lambda: waiting(project), "the first waits for its lock")
        error = project.run("migrate", "--yes", code=4)["error"]
        assert error["kind"] == "migration-running"
        assert "another migration" in error["message"]
        holder.rollback()
    out, said = first.communicate(timeout=120)
    assert first.returncode == 0, out + said
    assert project.run("status")["current"] == ["r2"]


# -- 41 --------------------------------------------------------------------------------------------------------------


@on_all
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_while_it_waits(project: Project, number: signal.Signals) -> None:
    """Nobody of it is left, nothing is half done, and the next run says what is so and goes on."""
    project.configure(migrations='lock_timeout = "600s"\nsafety_backup_age = "1h"\n')
    with idle_transaction(project):
        process = start(project)
        until(lambda: waiting(project), "it waits for its lock")
        process.send_signal(number)
        process.wait(30)
        until(lambda: not waiting(project), "its session is gone", 30)
        report = project.run("status")
        assert report["current"] == ["r1"]
        gate = project.run("gate", code=None)
        assert "findings" in gate, gate
        [found] = [one for one in gate["findings"] if one["id"] == "migration-interrupted"]
        assert "r2 is left" in found["actual"]
        assert "dbops restore --backup" in found["hint"]
    report = project.run("migrate", "--yes")
    assert report["current"] == ["r2"]
    assert "migration-interrupted" not in project.findings("gate", code=None)


@on_two
def test_killed_in_the_middle_of_a_revision(project: Project) -> None:
    """What it left is found, though the newest backup is from before it, and the next run goes on or says how to."""
    table = "op.create_table('half', sa.Column('id', sa.Integer))"
    write_revision(project.folder / "migrations", "r2", "r1", f"{table}\n{COLUMN}", "op.drop_table('half')")
    project.configure(migrations='lock_timeout = "600s"\nsafety_backup_age = "1h"\n')
    with idle_transaction(project):
        process = start(project)
        until(lambda: waiting(project), "it waits for its lock")
        process.kill()
        process.wait(30)
        until(lambda: not waiting(project), "its session is gone", 30)
    assert ("half" in project.tables()) is not project.bench.postgres
    if project.bench.postgres:
        assert project.run("migrate", "--yes")["current"] == ["r2"]
        return
    report = project.run("migrate", "--yes", code=3)
    [found] = [one for one in report["findings"] if one["id"] == "migration-half-applied"]
    assert "in       CREATE TABLE half" in found["actual"]
    assert "missing  ALTER TABLE customers" in found["actual"]
    assert report["current"] == ["r1"]
    resume = found["hint"].partition("\n")[2].rpartition("or restore")[0]
    project.execute(*[one for one in resume.split(";\n") if one.strip()])
    assert project.run("migrate", "--yes")["current"] == ["r2"]
    assert "migration-interrupted" not in project.findings("gate", code=None)


@on_two
def test_killed_before_it_starts_the_application(project: Project) -> None:
    """All has run, nothing is pending: the next run has nothing to do but that."""
    kill = ["sh", "-c", "[ -e killed ] && rm stopped || { touch killed; kill -9 $PPID; }"]
    stops = f"[targets.shop.app]\nstop = 'touch stopped'\nstart = {kill}\n"
    project.configure(stops, migrations='safety_backup_age = "1h"\n')
    process = start(project)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    report = project.run("status")
    assert report["current"] == ["r2"]
    [found] = [one for one in report["findings"] if one["id"] == "migration-interrupted"]
    assert "the application may be down; it is started by: sh -c" in found["hint"]
    assert (project.folder / "stopped").exists()
    project.run("migrate", "--yes")
    assert not (project.folder / "stopped").exists()
    assert project.run("status")["findings"] == []
    ledger = "dbops.ledger" if project.bench.postgres else "dbops_ledger"
    assert project.rows(f"SELECT id FROM {ledger}") == [("r2",)]


def waiting(project: Project) -> bool:
    """Somebody waits for a lock on the table."""
    if project.bench.postgres:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE%'"
    else:
        query = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'ALTER TABLE%'"
    return bool(project.value(query))
