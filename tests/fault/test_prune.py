"""What a killed backup or doctor leaves is found by `prune`, and nothing that may still be written is deleted (B02)."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.ops.doctor import doctor
from dbops.ops.prune import Pruning, prune
from dbops.progress import Silent
from dbops.store.base import Store
from dbops.store.local import LocalStore
from tests.contract.backends import keys
from tests.fault.standby import standby_of
from tests.fault.support import NAME, ROOT, At, fill, run, target
from tests.installations import Installation
from tests.servers import Cluster, Database

pytest_plugins = ["tests.contract.s3_servers"]


def later() -> datetime:
    return app.now() + timedelta(days=2)


def pruned(
    store: Store, database: Database | None, clock: Callable[[], datetime], *, agreed: bool = True
) -> tuple[dict[str, bool], list[str]]:
    """Name of each item -> whether it is kept; and what was noted."""
    notes: list[str] = []
    progress = Silent()
    progress.note = notes.append  # type: ignore[assignment, method-assign]
    engine = app.open_engine(target(database.url)) if database else None
    items = prune(engine, Catalog(store), NAME, clock=clock, progress=progress, confirm=lambda _: agreed).items
    return {item.name: item.keep for item in items}, notes


# -- probes of the store ---------------------------------------------------------------------------------------------


@pytest.fixture(params=["local", "moto", "seaweedfs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        return LocalStore(tmp_path / "store")
    request.getfixturevalue("s3_credentials")
    made: Store = request.getfixturevalue(request.param).store()
    return made


def test_a_backup_killed_while_it_tries_the_store(little: Database, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    older = run(target(little.url), store)
    for step in range(1, 20):
        argv = [sys.executable, "-m", "tests.fault.mortal_backup", little.url, str(tmp_path), "1", str(step)]
        killed = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        if f"{NAME}/.probe" in keys(store):
            break
    else:
        pytest.fail("it was never killed between writing and deleting its probe")
    name = f"{NAME}/.probe (probe)"
    assert pruned(store, None, app.now)[0][name], "a backup may be trying the store"
    assert not pruned(store, little, app.now, agreed=False)[0][name]
    assert f"{NAME}/.probe" in keys(store), "a dry run deletes nothing"
    assert not pruned(store, little, app.now)[0][name], "the lock proves that none is"
    assert f"{NAME}/.probe" not in keys(store)
    assert Catalog(store).latest(NAME).id == older.id


@pytest.mark.parametrize("key", [f"{NAME}/.probe", f"{NAME}/doctor-{'0a' * 8}", f"dbops/doctor-{'1b' * 8}"])
def test_a_probe_goes_after_a_day(store: Store, key: str) -> None:
    others = ["other/.probe", f"other/doctor-{'0a' * 8}", f"{NAME}/doctor-notes", f"{NAME}/probe", f"{NAME}2/.probe"]
    for name in (key, *others):
        store.put(name, b"dbops")
    assert pruned(store, None, app.now)[0] == {f"{key} (probe)": True}
    assert pruned(store, None, later)[0] == {f"{key} (probe)": False}
    assert keys(store) == sorted(others)


def test_the_probe_of_a_doctor_is_not_proved_dead_by_the_lock(little: Database, tmp_path: Path) -> None:
    """Killed right after it wrote: the name is the one that it really uses, with a target and without."""

    class Killed(BaseException):
        pass

    class Mortal(LocalStore):
        def read(self, key: str) -> Iterator[bytes]:
            raise Killed

        def delete(self, key: str) -> None:
            """It is dead."""

    for chosen in (target(little.url), None):
        with pytest.raises(Killed):
            doctor(chosen, app.open_engine, lambda: Mortal(tmp_path), clock=app.now, progress=Silent())
    store = LocalStore(tmp_path)
    left = keys(store)
    assert [key.partition("/")[0] for key in left] == ["dbops", NAME]
    assert pruned(store, little, app.now)[0] == {f"{key} (probe)": True for key in left}
    assert pruned(store, little, later)[0] == {f"{key} (probe)": False for key in left}
    assert keys(store) == []


# -- the lock ---------------------------------------------------------------------------------------------------------


def test_while_it_asks_a_backup_can_be_made(little: Database, tmp_path: Path) -> None:
    """A question that nobody answers must not cost the night's backup."""
    store = LocalStore(tmp_path)
    store.put(f"{NAME}/20200101T000000Z/half.dump", b"left by a killed run")
    made: list[str] = []

    def asked(pruning: Pruning) -> bool:
        made.append(run(target(little.url), store).id)
        return bool(pruning.doomed)

    engine = app.open_engine(target(little.url))
    done = prune(engine, Catalog(store), NAME, clock=app.now, progress=Silent(), confirm=asked)
    assert [item.id for item in done.items if not item.keep] == ["20200101T000000Z"]
    assert [found.id for found in Catalog(store).backups(NAME)] == made


def test_a_backup_that_began_while_it_asked(little: Database, tmp_path: Path) -> None:
    """What the lock had proved is proved no more: the folder may be the new backup's own."""
    store = LocalStore(tmp_path)
    engine = app.open_engine(target(little.url))
    with ExitStack() as running:

        def asked(_: Pruning) -> bool:
            running.enter_context(app.open_engine(target(little.url)).lock(NAME))
            return True

        store.put(f"{NAME}/20200101T000000Z/half.dump", b"young")
        done = prune(engine, Catalog(store), NAME, clock=app.now, progress=Silent(), confirm=asked)
    assert [item.keep for item in done.items] == [True]


# -- where the lock proves nothing -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def primary(installation: Installation) -> Iterator[Cluster]:
    with Cluster(installation) as cluster:
        cluster.create_database("shop")
        fill(Database(cluster, "shop"), 2_000)
        yield cluster


@pytest.fixture(scope="module")
def standby(primary: Cluster) -> Iterator[Database]:
    with standby_of(primary) as cluster:
        yield Database(cluster, "shop")


def test_on_a_standby_a_backup_of_the_primary_is_not_debris(
    primary: Cluster, standby: Database, tmp_path: Path
) -> None:
    store = LocalStore(tmp_path)
    seen: list[dict[str, bool]] = []
    told: list[str] = []

    def meanwhile() -> None:
        items, notes = pruned(store, standby, app.now)
        seen.append(items)
        told.extend(notes)

    progress = At("phase publish", meanwhile)
    made = run(target(Database(primary, "shop").url), store, progress)
    assert progress.done
    assert seen == [{f"{NAME}/{made.id}": True}]
    assert "standby" in told[0]
    assert keys(store) == sorted(
        f"{NAME}/{made.id}/{name}" for name in (*(a.name for a in made.artifacts), "manifest.json")
    )


def test_on_a_standby_old_debris_goes(standby: Database, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put(f"{NAME}/20200101T000000Z/backup_20200101T000000Z.dump", b"half")
    assert pruned(store, standby, app.now)[0] == {f"{NAME}/20200101T000000Z": True}
    assert pruned(store, standby, later)[0] == {f"{NAME}/20200101T000000Z": False}
    assert keys(store) == []
