"""Retention deletes whole backups or none, wherever it is stopped; and none while something speaks against it (S08)."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dbops import app
from dbops.catalog import MANIFEST, Catalog
from dbops.config import Keep, Policy
from dbops.errors import StoreError
from dbops.model import Verdict
from dbops.ops.prune import Kind
from dbops.store.base import Store
from dbops.store.local import LocalStore
from tests.contract.backends import keys
from tests.fault.kept_backups import TWO, Counting, add, backups, exactly, listed, proved, pruned
from tests.fault.support import NAME, ROOT, process, run, target
from tests.servers import Database

pytest_plugins = ["tests.contract.s3_servers"]
HOUR = timedelta(hours=1)


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture(params=["local", "seaweedfs"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Makes empty stores."""
    if request.param == "local":
        numbers = iter(range(1000))
        return lambda: LocalStore(tmp_path / f"store{next(numbers)}")
    request.getfixturevalue("s3_credentials")
    server = request.getfixturevalue(request.param)
    return lambda: server.store()


# -- stopped anywhere, and twice at once ------------------------------------------------------------------------------


def test_killed_at_any_step(tmp_path: Path) -> None:
    """SIGKILL. What is listed is whole, what must stay is there, and the next prune finishes the work."""
    made = backups(LocalStore(tmp_path / "made"))
    seen, step, ended = set[int](), 0, False
    while not ended:
        step += 2
        folder = tmp_path / f"killed{step}"
        shutil.copytree(tmp_path / "made", folder)
        argv = [sys.executable, "-m", "tests.fault.mortal_prune", str(folder), str(step)]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120)
        ended = done.returncode == 0
        assert ended or done.returncode == -signal.SIGKILL, done.stderr
        store = LocalStore(folder)
        found = listed(store)
        assert found[:2] == [made[0].id, made[1].id]
        seen.add(len(found))
        pruned(store)
        for left in store.unfinished():  # a note that was being written: its lock died with the process
            store.discard(left)
        exactly(store, *made[:2])
        shutil.rmtree(folder)
    assert seen == {2, 3, 4, 5}
    assert step > 40


def test_stopped_at_any_step(fresh: Callable[[], Store]) -> None:
    step, steps = 0, 1
    while step < steps:
        step += 4
        inner = fresh()
        made = backups(inner, 4)

        def die(number: int, last: int = step) -> None:
            if number == last:
                raise Killed

        store = Counting(inner, die)
        try:
            pruned(store)
        except Killed:
            steps = step + 1
        assert listed(inner)[:2] == [made[0].id, made[1].id]
        pruned(inner)
        exactly(inner, *made[:2])
    assert step > 30


def test_two_at_once(fresh: Callable[[], Store]) -> None:
    """The second one runs from its begin to its end at every step of the first."""
    step, more = 0, True
    while more:
        step += 4
        inner, met = fresh(), list[int]()
        made = backups(inner, 4)

        def other(number: int, at: int = step, store: Store = inner, met: list[int] = met) -> None:
            if number == at:
                met.append(number)
                pruned(store)
                assert listed(store) == [made[0].id, made[1].id]  # noqa: B023 - runs before the next one is made

        pruned(Counting(inner, other))
        exactly(inner, *made[:2])
        more = bool(met)
    assert step > 30


def test_half_deleted_without_a_note_is_not_touched(fresh: Callable[[], Store]) -> None:
    """Somebody deleted the manifest by hand: that is no word of ours."""
    store = fresh()
    made = backups(store, 4)
    store.delete(f"{NAME}/{made[3].id}/{MANIFEST}")
    store.put(f"{NAME}/.pruned/{made[3].id}.json", b"{broken")
    store.put(f"{NAME}/.pruned/{made[2].id}.json", b"{}")
    item = next(item for item in pruned(store).items if item.id == made[3].id)
    assert (item.kind, item.keep) == (Kind.LOST, True)
    assert any(key.endswith(f"{made[3].id}/SHA256SUMS") for key in keys(store))


def test_a_backup_whose_manifest_is_a_link_is_none_and_is_not_touched(tmp_path: Path) -> None:
    """Links are not followed: whoever can make one in the store could show another file as the manifest."""
    store = LocalStore(tmp_path / "store")
    made = backups(store, 4)
    path = tmp_path / "store" / NAME / made[3].id / MANIFEST
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    before = keys(store)
    item = next(item for item in pruned(store).items if item.id == made[3].id)
    assert (item.kind, item.keep) == (Kind.LOST, True)
    assert [key for key in before if made[3].id in key] == [key for key in keys(store) if made[3].id in key]
    assert made[3].id not in [manifest.id for manifest in Catalog(store).backups(NAME)]


def test_a_report_that_comes_after_its_backup_was_deleted_goes_too(fresh: Callable[[], Store]) -> None:
    store = fresh()
    made = backups(store, 4)
    pruned(store)
    proved(store, made[3], Verdict.PASS, app.now())
    assert next(item for item in pruned(store).items if item.id == made[3].id).keep, "a verification may be running"
    pruned(store, clock=lambda: app.now() + timedelta(days=2))
    exactly(store, *made[:2])
    assert not [key for key in keys(store) if made[3].id in key]


# -- what the store itself protects -----------------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["moto", "seaweedfs"])
@pytest.mark.parametrize("kind", ["retention", "legal hold"])
@pytest.mark.parametrize("file", ["manifest.json", "SHA256SUMS", "drills"])
def test_a_locked_backup_stays_whole(
    request: pytest.FixtureRequest, s3_credentials: None, server: str, kind: str, file: str
) -> None:
    s3 = request.getfixturevalue(server)
    client, bucket = s3.client(), f"locked-{server}-{kind[0]}-{file[0].lower()}"
    client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    store: Store = s3.store(bucket)
    made = backups(store, 5)
    proved(store, made[3], Verdict.PASS, app.now())
    proved(store, made[0], Verdict.PASS, app.now())
    key = next(key for key in keys(store) if made[3].id in key and file in key)
    until = app.now() + timedelta(days=3)
    if kind == "retention":
        client.put_object_retention(
            Bucket=bucket, Key=f"prod/here/{key}", Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until}
        )
    else:
        client.put_object_legal_hold(Bucket=bucket, Key=f"prod/here/{key}", LegalHold={"Status": "ON"})
    found = pruned(store)
    item = next(item for item in found.items if item.id == made[3].id)
    assert item.reason == (
        f"locked until {until:%Y-%m-%d %H:%M}Z (no rule keeps it)"
        if kind == "retention"
        else "under legal hold (no rule keeps it)"
    )
    assert found.versioned
    exactly(store, made[0], made[1], made[3])
    if kind == "retention":
        pruned(store, clock=lambda: until + HOUR, policy=Policy(keep=Keep(last=2), rpo=None))
        exactly(store, made[0], made[1])
        versions = client.list_object_versions(Bucket=bucket)
        assert any(made[3].id in item["Key"] for item in versions["Versions"]), "only hidden"


def test_a_store_without_versions_is_asked_once_a_backup(fresh: Callable[[], Store]) -> None:
    asked: list[str] = []

    class Asked(Counting):
        def protection(self, key: str):  # type: ignore[no-untyped-def]
            asked.append(key)
            return super().protection(key)

    store = Asked(fresh(), lambda _: None)
    backups(store, 5)
    assert not pruned(store).versioned
    assert len(asked) == 3


def test_a_store_that_refuses_to_delete_keeps_backups_whole(fresh: Callable[[], Store]) -> None:
    inner = fresh()
    made = backups(inner, 5)

    class Refusing(Counting):
        def delete(self, key: str) -> None:
            if made[3].id in key and key.endswith(MANIFEST):
                raise StoreError("deleting: Access Denied (AccessDenied)", kind="refused")
            super().delete(key)

    found = pruned(Refusing(inner, lambda _: None))
    item = next(item for item in found.items if item.id == made[3].id)
    assert (item.keep, item.refused) == (True, True)
    assert "Access Denied" in item.reason
    exactly(inner, made[0], made[1], made[3])


def test_a_deletion_that_does_nothing_is_seen(fresh: Callable[[], Store]) -> None:
    inner = fresh()
    made = backups(inner, 3)

    class Deaf(Counting):
        def delete(self, key: str) -> None:
            if not key.endswith(MANIFEST):
                super().delete(key)

    item = next(item for item in pruned(Deaf(inner, lambda _: None)).items if item.id == made[2].id)
    assert item.refused
    assert "still listed" in item.reason
    exactly(inner, *made)


def test_a_record_that_cannot_be_read_stops_all(fresh: Callable[[], Store]) -> None:
    """It may be the one that says which backup is the last verified."""
    inner = fresh()
    made = backups(inner, 5)
    proved(inner, made[4], Verdict.PASS, app.now())

    class Failing(Counting):
        def read(self, key: str) -> Iterator[bytes]:
            if "/drills/" in key:
                raise StoreError("reading: the connection was cut", kind="cut")
            return super().read(key)

    with pytest.raises(StoreError):
        pruned(Failing(inner, lambda _: None))
    exactly(inner, *made)
    pruned(inner)
    exactly(inner, made[0], made[1], made[4])


# -- frozen -----------------------------------------------------------------------------------------------------------


def test_frozen_after_a_failed_run_until_there_is_a_newer_backup(fresh: Callable[[], Store]) -> None:
    """Its debris goes; that it failed is not forgotten."""
    store = fresh()
    made = backups(store, 5)
    store.put(f"{NAME}/{app.now():%Y%m%dT%H%M%SZ}/backup.dump", b"half")
    later = app.now() + timedelta(days=2)

    def clock() -> datetime:
        return later

    for _ in range(3):
        found = pruned(store, clock=clock)
        assert "left no backup" in found.frozen[0]
        assert listed(store) == [item.id for item in made]
    assert not any(key.endswith("backup.dump") for key in keys(store))
    newest = add(store, app.now() + HOUR)
    pruned(store, clock=clock)
    exactly(store, newest, made[0])


def test_frozen_while_the_newest_manifest_cannot_be_used(fresh: Callable[[], Store]) -> None:
    store = fresh()
    made = backups(store, 5)
    store.put(f"{NAME}/{app.now():%Y%m%dT%H%M%SZ}/{MANIFEST}", b"broken")
    assert "cannot be used" in pruned(store).frozen[0]
    assert len([item for item in pruned(store).items if item.kind is Kind.BACKUP]) == len(made)


def test_frozen_while_the_newest_verification_is_red(fresh: Callable[[], Store]) -> None:
    store = fresh()
    made = backups(store, 5)
    proved(store, made[1], Verdict.FAIL, app.now() - HOUR)
    assert pruned(store).frozen[0].startswith("a verification is red")
    assert len(listed(store)) == 5
    proved(store, made[0], Verdict.PASS, app.now())
    assert not pruned(store).frozen
    assert listed(store) == [made[0].id, made[2].id], "a bad backup is not one of the two"


def test_what_is_proved_while_prune_asks_counts(fresh: Callable[[], Store]) -> None:
    """The answer came hours later: by then the newest verification was red."""
    from dbops.ops.prune import prune
    from dbops.progress import Silent

    store = fresh()
    made = backups(store, 5)
    times = iter([app.now(), app.now()])

    def clock() -> datetime:
        return next(times, app.now() + HOUR)

    def answer(_: object) -> bool:
        proved(store, made[0], Verdict.FAIL, app.now())
        return True

    found = prune(None, Catalog(store), NAME, clock=clock, progress=Silent(), confirm=answer, policy=TWO)
    assert found.frozen
    assert len(listed(store)) == 5


# -- with a database --------------------------------------------------------------------------------------------------


def configured(folder: Path, database: Database, keep: str) -> dict[str, str]:
    file = folder / "dbops.toml"
    file.write_text(
        f'[store]\nurl = "file://{folder}/store"\n[targets.{NAME}]\nurl = "{database.url}"\ninventory = "counts"\n'
        f"[targets.{NAME}.policy]\nkeep = {keep}\n"
    )
    return {"DBOPS_CONFIG": str(file)}


def task(*arguments: str, env: dict[str, str]) -> tuple[int, str, str]:
    with process(*arguments, env=env) as dbops:
        out, err = dbops.communicate(timeout=120)
    return dbops.returncode, out, err


def test_after_a_backup(little: Database, tmp_path: Path) -> None:
    env = configured(tmp_path, little, "{ last = 2, after_backup = true }")
    store = LocalStore(tmp_path / "store")
    old = backups(store, 4)
    code, out, err = task("backup", "--json", env=env)
    assert code == 0, err
    assert listed(store) == [json.loads(out)["id"], old[0].id]
    assert f"deleted {NAME}/{old[3].id}: no rule keeps it" in err


def test_not_after_a_backup_unless_it_is_asked_for(little: Database, tmp_path: Path) -> None:
    env = configured(tmp_path, little, "{ last = 2 }")
    store = LocalStore(tmp_path / "store")
    backups(store, 4)
    code, _, err = task("backup", "--json", env=env)
    assert code == 0, err
    assert len(listed(store)) == 5


def test_a_prune_after_a_backup_that_fails_is_a_warning(little: Database, tmp_path: Path) -> None:
    env = configured(tmp_path, little, "{ last = 2, after_backup = true }")
    store = LocalStore(tmp_path / "store")
    old = backups(store, 4)
    (tmp_path / "store" / NAME / ".pruned").write_text("in the way of the notes")
    code, out, err = task("backup", "--json", env=env)
    assert code == 0, err
    assert "warning  the backup is made, but pruning after it failed: writing shop/.pruned/" in err
    assert listed(store) == [json.loads(out)["id"], *(item.id for item in old)]


def test_while_somebody_holds_the_lock_no_backup_goes(little: Database, tmp_path: Path) -> None:
    env = configured(tmp_path, little, "{ last = 2 }")
    store = LocalStore(tmp_path / "store")
    old = backups(store, 4)
    with app.open_engine(target(little.url)).lock(NAME):
        code, out, err = task("prune", "--yes", "--json", env=env)
    assert code == 0, err
    assert json.loads(out)["frozen"]
    exactly(store, *old)
    code, out, err = task("prune", "--yes", env=env)
    assert code == 0, err
    exactly(store, *old[:2])


def test_a_backup_killed_half_way_freezes(little: Database, tmp_path: Path) -> None:
    """A real run, killed while it dumps."""
    store = LocalStore(tmp_path / "store")
    old = backups(store, 4)
    known = {item.id for item in old}
    for step in range(12, 40):  # in how many pieces the dump comes differs: until something of it has its name
        argv = [sys.executable, "-m", "tests.fault.mortal_backup", little.url, str(tmp_path / "store"), "1", str(step)]
        killed = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        if any(len(parts := key.split("/")) > 2 and parts[1] not in known for key in keys(store)):
            break
    env = configured(tmp_path, little, "{ last = 2 }")
    for _ in range(2):
        code, out, err = task("prune", "--yes", "--json", env=env)
        assert code == 0, err
        assert "left no backup" in json.loads(out)["frozen"][0]
        assert listed(store) == [item.id for item in old]
    made = run(target(little.url), store)
    task("prune", "--yes", "--json", env=env)
    assert listed(store) == [made.id, old[0].id]
    assert not [key for key in keys(store) if ".pruned" in key]
