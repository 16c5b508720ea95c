"""dbops itself ends midway: SIGKILL at every step, Ctrl-C, SIGTERM (B02)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dbops import app
from dbops.catalog import MANIFEST, Catalog, State
from dbops.ops.prune import prune
from dbops.progress import Silent
from dbops.store.local import LocalStore
from tests.fault.support import (
    NAME,
    ROOT,
    children,
    copying,
    half_read,
    no_sessions,
    only,
    process,
    run,
    target,
    until,
    verified,
)
from tests.servers import Database


@pytest.fixture(scope="module")
def shop(filled: Callable[[str, int], Database]) -> Database:
    return filled("killed", 60_000)


def mortal(database: Database, store: Path, jobs: int, step: int) -> subprocess.CompletedProcess[str]:
    arguments = [database.url, str(store), str(jobs), str(step)]
    argv = [sys.executable, "-m", "tests.fault.mortal_backup", *arguments]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120)


def cleaned(database: Database, store: Path, name: str = NAME) -> None:
    """`prune` takes the lock, so it is free again, and all that has no manifest goes."""
    no_sessions(database)
    notes: list[str] = []
    progress = Silent()
    progress.note = notes.append  # type: ignore[assignment, method-assign]
    engine = app.open_engine(target(database.url))
    prune(engine, Catalog(LocalStore(store)), name, clock=app.now, progress=progress, confirm=lambda _: True)
    assert notes == []
    for item in Catalog(LocalStore(store)).list():
        if item.state is State.DEBRIS:  # killed just before the manifest: it may as well have lost it
            assert any(key.endswith("/SHA256SUMS") for key in item.keys)
            for key in item.keys:
                LocalStore(store).delete(key)
    for left in LocalStore(store).unfinished():
        assert left.key.startswith(".work-"), "only a workspace may stay: it does not bear the name of a target"
        LocalStore(store).discard(left)


def test_a_workspace_is_pruned_in_the_end(little: Database, tmp_path: Path) -> None:
    with LocalStore(tmp_path).workspace() as folder:
        lost = tmp_path / ".work-lost"
        lost.mkdir()
        (lost / "1.dat").write_bytes(b"x")
        engine = app.open_engine(target(little.url))
        catalog = Catalog(LocalStore(tmp_path))

        def later() -> datetime:
            return app.now() + timedelta(days=2)

        prune(engine, catalog, NAME, clock=later, progress=Silent(), confirm=lambda _: True)
        assert folder.exists(), "somebody works in it"
        assert not lost.exists()


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_at_any_step(little: Database, tmp_path: Path, jobs: int) -> None:
    ended = mortal(little, tmp_path / "whole", jobs, 0)
    steps = int(ended.stdout)
    assert steps > 20, ended.stderr
    store = tmp_path / "store"
    older = run(target(little.url), store)
    seen = set()
    for step in range(1, steps + 1, 5 if jobs == 1 else 9):
        killed = mortal(little, store, jobs, step)
        if killed.returncode == 0 and step > steps - 5:  # a stream comes in more pieces one time, in fewer the next
            break
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        no_sessions(little)
        listed = [item for item in Catalog(LocalStore(store)).list() if item.id != older.id]
        # A backup exists if and only if its manifest does.
        for item in listed:
            written = f"{NAME}/{item.id}/{MANIFEST}" in item.keys
            assert item.state is (State.OK if written else State.DEBRIS)
            seen.add(item.state)
        cleaned(little, store)
        assert all(item.state is State.OK for item in Catalog(LocalStore(store)).list())
        assert not list(LocalStore(store).unfinished())
    assert State.DEBRIS in seen
    newest = run(target(little.url, jobs=jobs), store)
    for manifest in Catalog(LocalStore(store)).backups():
        verified(store, manifest.id)
    assert newest.id > older.id


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_while_pg_dump_writes(shop: Database, tmp_path: Path, jobs: str) -> None:
    arguments = ("backup", "--store", str(tmp_path), "--jobs", jobs)
    with half_read(shop) as (url, _), process(*arguments, env={"DATABASE_URL": url}) as dbops:
        until(lambda: copying(shop) or dbops.poll() is not None, "pg_dump reads the big table")
        below = children(dbops.pid)
        assert "pg_dump" in below.values()
        dbops.kill()
        dbops.wait()
    # The client programs have lost their reader, and end by themselves.
    until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in below), "all client programs are gone")
    assert not list(Catalog(LocalStore(tmp_path)).backups())
    no_sessions(shop)
    cleaned(shop, tmp_path, "killed")
    only(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_interrupted(shop: Database, tmp_path: Path, jobs: str, number: signal.Signals) -> None:
    arguments = ("backup", "--json", "--store", str(tmp_path), "--jobs", jobs)
    with half_read(shop) as (url, go), process(*arguments, env={"DATABASE_URL": url}) as dbops:
        until(lambda: copying(shop) or dbops.poll() is not None, "pg_dump reads the big table")
        below = children(dbops.pid)
        dbops.send_signal(number)
        go.set()
        out, err = dbops.communicate(timeout=60)
    assert dbops.returncode == 130, err
    assert json.loads(out)["error"]["kind"] == "interrupted"
    assert "Traceback" not in err
    assert not [pid for pid in below if Path(f"/proc/{pid}/exe").exists()], "a client program is left"
    no_sessions(shop)
    only(tmp_path)


def test_interrupted_as_a_terminal_does_it(shop: Database, tmp_path: Path) -> None:
    """Ctrl-C goes to every process of the foreground group."""
    argv = [sys.executable, "-c", "from dbops.cli import main; main()", "backup", "--store", str(tmp_path)]
    with half_read(shop) as (url, go):
        env = os.environ | {"DATABASE_URL": url}
        dbops = subprocess.Popen(argv, env=env, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True)
        until(lambda: copying(shop) or dbops.poll() is not None, "pg_dump reads the big table")
        os.killpg(dbops.pid, signal.SIGINT)
        go.set()
        _, err = dbops.communicate(timeout=60)
    assert dbops.returncode == 130, err
    assert "error: interrupted\n" in err
    only(tmp_path)
    no_sessions(shop)
