"""However a run with a sandbox ends, nothing of it is left: no container, volume, network, process or folder."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dbops.folder import sweep
from tests.conftest import DEFAULT_IMAGE, _docker
from tests.demo_runs import Place, gone, place
from tests.sandboxes import KINDS, Child, need_kind

WITH_VOLUME = "dbops-test/postgres-volume:17"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    need_kind(request.param, request)
    return str(request.param)


@pytest.fixture
def somewhere() -> Iterator[Place]:
    with place() as found:
        yield found


def left(child: Child, kind: str, somewhere: Place) -> list[str]:
    containers = [f"container {c.name}" for c in child.containers()] if kind == "container" else []
    return somewhere.left() + containers


def test_success_leaves_nothing(kind: str, somewhere: Place) -> None:
    child = Child(somewhere, kind)
    child.until("started")
    assert left(child, kind, somewhere) != []
    assert child.end() == ""
    assert child.process.returncode == 0
    assert gone(lambda: left(child, kind, somewhere)) == []


def test_failure_leaves_nothing(kind: str, somewhere: Place) -> None:
    """The server does not start: that file is no library."""
    child = Child(somewhere, kind, preload=("/etc/hostname",), bare=True)
    said = child.end()
    assert child.process.returncode == 1
    assert "/etc/hostname" in said
    assert gone(lambda: left(child, kind, somewhere)) == []


@pytest.mark.parametrize("after", [0.0, 0.2, 0.5, 1.0])
def test_an_interrupted_start_leaves_nothing(kind: str, after: float, somewhere: Place) -> None:
    child = Child(somewhere, kind, bare=after < 1)
    child.until("starting")
    time.sleep(after)
    child.process.send_signal(signal.SIGINT)
    said = child.end("")
    assert "KeyboardInterrupt" in said
    assert gone(lambda: left(child, kind, somewhere)) == []


_SLOW_ENGINE = """
import threading, time
from docker.models.containers import ContainerCollection
create = ContainerCollection.create
def slowly(*arguments, **options):
    made = []
    def work():
        time.sleep(2)
        made.append(create(*arguments, **options))
    thread = threading.Thread(target=work)
    thread.start()
    print("asked", flush=True)
    thread.join()
    return made[0]
ContainerCollection.create = slowly
from dbops.sandbox.container.docker import Docker
Docker.shares_files = False  # nor does a folder that has gone keep the engine from it
"""


def test_a_container_that_the_engine_makes_after_the_interrupt_does_not_stay(pg_image: str, somewhere: Place) -> None:
    """Whoever hangs up does not take the request back."""
    child = Child(somewhere, "container", before=_SLOW_ENGINE)
    child.until("asked")
    child.process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in child.end("")
    assert gone(lambda: left(child, "container", somewhere)) == []


def test_an_interrupt_and_an_impatient_second_one_leave_nothing(kind: str, somewhere: Place) -> None:
    child = Child(somewhere, kind)
    child.until("started")
    for _ in range(5):
        child.process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    child.end("")
    assert gone(lambda: left(child, kind, somewhere)) == []


@pytest.mark.parametrize("word", ["starting", "started"])
def test_what_a_killed_run_leaves_is_removed_by_the_next(kind: str, word: str, somewhere: Place) -> None:
    child = Child(somewhere, kind)
    child.until(word)
    if word == "starting":
        _until_something_is_there(child, kind, somewhere)
    child.process.kill()
    child.process.wait()
    assert left(child, kind, somewhere) != []
    following = Child(somewhere, kind)
    following.until("started")
    assert following.end() == ""
    assert gone(lambda: left(child, kind, somewhere) + left(following, kind, somewhere)) == []
    sweep(somewhere.temporary)


def _until_something_is_there(child: Child, kind: str, somewhere: Place) -> None:
    until = time.monotonic() + 60
    while not (child.containers() if kind == "container" else somewhere.left()):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_living_run_keeps_what_it_has(kind: str, somewhere: Place) -> None:
    """The sweep of the next run takes nobody's server away."""
    child = Child(somewhere, kind)
    url = child.until("started")
    following = Child(somewhere, kind)
    following.until("started")
    following.end()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert child.end() == ""
    assert child.process.returncode == 0


# -- what containers leave beside themselves -------------------------------------------------------------------------


@pytest.fixture
def image_with_volume(pg_image: str) -> Iterator[str]:
    """As the official one has it: the data in an anonymous volume."""
    client = _docker().from_env()
    text = f"FROM {DEFAULT_IMAGE}\nVOLUME /var/lib/postgresql\n"
    client.images.build(fileobj=io.BytesIO(text.encode()), tag=WITH_VOLUME, rm=True)
    yield WITH_VOLUME
    with suppress(_docker().errors.APIError):
        client.images.remove(WITH_VOLUME)


@pytest.mark.parametrize("killed", [False, True])
def test_volumes_and_networks_go_with_their_container(killed: bool, image_with_volume: str, somewhere: Place) -> None:
    client = _docker().from_env()
    networks = {network.id for network in client.networks.list()}
    child = Child(somewhere, "container", image=image_with_volume)
    child.until("started")
    (container,) = child.containers()
    volumes = _volumes_of(container)
    assert volumes
    assert volumes <= {volume.name for volume in client.volumes.list()}
    assert {network.id for network in client.networks.list()} <= networks
    if killed:
        child.process.kill()
        child.process.wait()
        following = Child(somewhere, "container", image=image_with_volume)
        following.until("started")
        following.end()
    else:
        child.end()
    assert not volumes & {volume.name for volume in client.volumes.list()}
    assert gone(lambda: left(child, "container", somewhere)) == []


def _volumes_of(container: Any) -> set[str]:
    container.reload()
    return {mount["Name"] for mount in container.attrs["Mounts"] if mount["Type"] == "volume"}


_HOLDING = """
import time
from dbops.folder import temporary_folder
from dbops.store.s3 import S3Store
with {folder} as folder:
    (folder / "lock").write_text("a name that a dump may have")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("folder", ["temporary_folder()", "S3Store('bucket').workspace()"], ids=["fetched", "to S3"])
def test_the_files_of_a_killed_run_are_removed_by_the_next_one(folder: str, somewhere: Place) -> None:
    """A dump that is fetched, unpacked or under way to a bucket is as secret as its database."""
    holding = _HOLDING.format(folder=folder)
    process = subprocess.Popen(
        [sys.executable, "-c", holding], env=somewhere.environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    fetched = Path(process.stdout.readline().strip())

    def another() -> None:
        argv = [sys.executable, "-c", holding.replace("600", "0")]
        subprocess.run(argv, env=somewhere.environment(), check=True, timeout=60)

    try:
        assert fetched.stat().st_mode & 0o077 == 0
        another()
        assert (fetched / "lock").is_file()  # in use
    finally:
        process.kill()
        process.communicate()
    assert fetched.is_dir()
    another()
    assert list(somewhere.temporary.iterdir()) == []
