"""Encrypted backups that are killed, interrupted, or run out of room: nothing readable is left, nothing is listed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dbops.catalog import Catalog
from dbops.config import EncryptionConfig
from dbops.errors import StoreFullError
from dbops.store.local import LocalStore
from tests.fault.support import children, copying, half_read, no_sessions, only, process, run, target, until
from tests.keys import new_identity
from tests.servers import Database


@pytest.fixture(scope="module")
def shop(filled: Callable[[str, int], Database]) -> Database:
    return filled("sealing", 60_000)


def marker(database: Database) -> bytes:
    """What any readable part of a dump of `big` has in its first rows."""
    return database.cluster.psql("SELECT left(t, 60) FROM big WHERE id = 1", database.name).strip().encode()


def configured(folder: Path, url: str, jobs: int) -> dict[str, str]:
    """The configuration of an encrypted target; with several jobs it has a workspace. Nothing is compressed."""
    _, recipient = new_identity(folder)
    (folder / "workspace").mkdir()
    workspace = "workspace = 'workspace'\n" if jobs > 1 else ""
    file = folder / "dbops.toml"
    file.touch(0o600)
    file.write_text(
        f"[store]\nurl = '{folder / 'store'}'\n[targets.sealing]\nurl = '{url}'\njobs = {jobs}\n"
        f"compression = 'none'\n[targets.sealing.encryption]\nrecipients = ['{recipient}']\n{workspace}"
    )
    return {"DBOPS_CONFIG": str(file)}


def readable(folder: Path, secret: bytes) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_while_it_encrypts(shop: Database, tmp_path: Path, jobs: int) -> None:
    with half_read(shop) as (url, go):
        env = configured(tmp_path, url, jobs)
        with process("backup", env=env) as dbops:
            until(lambda: copying(shop) or dbops.poll() is not None, "pg_dump reads the big table")
            below = children(dbops.pid)
            dbops.kill()
            dbops.wait()
        go.set()
        until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in below), "all client programs are gone")
        assert not list(Catalog(LocalStore(tmp_path / "store")).backups())
        assert not readable(tmp_path / "store", marker(shop))
        no_sessions(shop)
        with process("backup", env=env) as dbops:
            assert dbops.wait(120) == 0
    assert not list((tmp_path / "workspace").iterdir()), "the next run removes what a killed one has left in the clear"
    assert len(list(Catalog(LocalStore(tmp_path / "store")).backups())) == 1
    assert not readable(tmp_path / "store", marker(shop))


@pytest.mark.parametrize("jobs", [1, 2])
def test_interrupted_while_it_encrypts(shop: Database, tmp_path: Path, jobs: int) -> None:
    with half_read(shop) as (url, go), process("backup", env=configured(tmp_path, url, jobs)) as dbops:
        until(lambda: copying(shop) or dbops.poll() is not None, "pg_dump reads the big table")
        dbops.send_signal(signal.SIGTERM)
        go.set()
        _, err = dbops.communicate(timeout=60)
    assert dbops.returncode == 130, err
    assert "Traceback" not in err
    only(tmp_path / "store")
    assert not list((tmp_path / "workspace").iterdir())
    no_sessions(shop)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_store_without_room(
    shop: Database, tmp_path: Path, small_tmpfs: Callable[[str], Path], jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dump that is encrypted in another thread ends with the store's own error, and waits for nobody."""
    store = small_tmpfs("20m")
    monkeypatch.setattr(LocalStore, "free_bytes", lambda _: None)  # the room is there when the plan is made
    _, recipient = new_identity(tmp_path)
    encryption = EncryptionConfig(recipients=(recipient,), workspace=tmp_path if jobs > 1 else None)
    with pytest.raises(StoreFullError):
        run(target(shop.url, jobs=jobs, compression="none", encryption=encryption), store)
    only(store)
    assert not [thread for thread in threading.enumerate() if thread.name == "encrypt"]
    assert {path.name for path in tmp_path.iterdir()} & {"key.txt"} == {"key.txt"}
    assert not list(tmp_path.glob("dbops-*"))
    no_sessions(shop)
