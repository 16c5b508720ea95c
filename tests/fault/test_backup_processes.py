"""A process of the dump fails midway: never a listed backup, whatever the others said (B01)."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dbops.errors import DatabaseError, DbopsError, ToolError
from dbops.model import Manifest
from dbops.store.local import LocalStore
from tests.fault.support import (
    DUMPING,
    At,
    copying,
    fill,
    half_read,
    no_sessions,
    one,
    only,
    programs,
    run,
    target,
    until,
    verified,
)
from tests.installations import Installation
from tests.servers import Cluster, Database

jobs_and_levels = pytest.mark.parametrize(
    ("jobs", "level"), [(1, "counts"), (1, "archive"), (1, "content"), (2, "counts"), (2, "content")]
)


@pytest.fixture(scope="module")
def cluster(installation: Installation) -> Iterator[Cluster]:
    with Cluster(installation) as cluster:
        cluster.create_database("shop")
        fill(Database(cluster, "shop"))
        yield cluster


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[Database]:
    yield Database(cluster, "shop")
    no_sessions(Database(cluster, "shop"))
    until(lambda: not programs("pg_dump", "pg_restore", "psql"), "no client program is left")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def older(shop: Database, store: Path) -> Manifest:
    return run(target(shop.url, inventory="counts"), store)


@jobs_and_levels
def test_the_session_of_pg_dump_is_terminated(
    shop: Database, store: Path, older: Manifest, jobs: int, level: str
) -> None:
    with half_read(shop) as (url, go):

        def terminate() -> None:
            until(lambda: copying(shop, stuck=True), "the server waits for pg_dump to read the big table")
            with shop.connect() as connection:
                for pid in copying(shop):
                    connection.execute("SELECT pg_terminate_backend(%s)", [pid])
            until(lambda: not copying(shop), "its session is gone")
            go.set()

        progress = At("item public.big", terminate, thread=DUMPING)
        with pytest.raises((ToolError, DatabaseError)) as caught:
            run(target(url, jobs=jobs, inventory=level), store, progress)
    assert progress.done
    assert caught.value.exit_code == 4
    assert "terminat" in str(caught.value), str(caught.value)
    only(store, older)
    verified(store)


@pytest.mark.parametrize(
    ("program", "thread", "jobs"),
    # With two jobs there is no decoder: the files are decoded by dbops itself. And of two readers the second may find
    # nothing left to read, so that its end does no harm.
    [("pg_dump", DUMPING, 1), ("pg_dump", DUMPING, 2), ("pg_restore", DUMPING, 1), ("psql", "", 1)],
)
def test_a_program_is_killed(
    shop: Database, store: Path, older: Manifest, program: str, thread: str, jobs: int
) -> None:
    with half_read(shop) as (url, go):

        def kill() -> None:
            for pid in until(lambda: programs(program), f"{program} runs"):
                os.kill(pid, signal.SIGKILL)
            go.set()

        hunter = threading.Thread(target=kill)
        progress = At("item public.big", kill, thread=thread) if thread else At("phase dump", hunter.start)
        with pytest.raises((ToolError, DatabaseError)) as caught:
            run(target(url, jobs=jobs), store, progress)
    assert progress.done
    assert caught.value.exit_code == 4
    if (program, jobs) == ("pg_dump", 2):  # its workers were killed too, and it may live to tell
        assert "worker process" in str(caught.value) or "SIGKILL" in str(caught.value)
    elif program == "psql":
        assert "reading public." in caught.value.message
    else:
        assert f"{program} was ended by signal 9 (SIGKILL)" in caught.value.message
    assert "security" not in str(caught.value), "the last of what it said is not the reason"
    only(store, older)


def test_the_decoder_dies_of_a_small_archive(shop: Database, store: Path) -> None:
    """All of it still fits into a buffer of ours when the decoder is gone."""
    with shop.cluster.connect() as connection:
        connection.execute("CREATE DATABASE small")

    def kill() -> None:
        (decoder,) = until(lambda: programs("pg_restore"), "pg_restore runs")
        os.kill(decoder, signal.SIGKILL)
        until(lambda: not programs("pg_restore"), "it is gone")

    try:
        with pytest.raises(ToolError) as caught:
            run(target(shop.cluster.url("small"), jobs=1), store, At("advance", kill))
    finally:
        shop.cluster.drop_database("small")
    assert "pg_restore was ended by signal 9" in caught.value.message
    only(store)


@pytest.mark.parametrize(("jobs", "level"), [(1, "archive"), (2, "content")])
def test_the_server_dies(shop: Database, store: Path, older: Manifest, jobs: int, level: str) -> None:
    cluster = shop.cluster
    try:
        with half_read(shop) as (url, go):

            def die() -> None:
                cluster.kill()
                go.set()

            progress = At("item public.big", die, thread=DUMPING)
            with pytest.raises(DbopsError) as caught:
                run(target(url, jobs=jobs, inventory=level), store, progress)
    finally:
        cluster.start()
    assert caught.value.exit_code == 4
    only(store, older)
    newer = run(target(shop.url, jobs=jobs, inventory=level), store)
    only(store, older, newer)


def test_a_table_that_cannot_be_read_to_its_end(new_cluster: Callable[..., Cluster], tmp_path: Path) -> None:
    """A page is garbage: pg_dump has written half of the table by then."""
    cluster = new_cluster()
    cluster.create_database("shop")
    database = Database(cluster, "shop")
    fill(database, 3000)
    with database.connect() as connection:
        file = cluster.data / one(connection, "SELECT pg_relation_filepath('big')")
        pages = one(connection, "SELECT pg_relation_size('big') / 8192")
    cluster.stop()
    with file.open("r+b") as relation:
        relation.seek(pages // 2 * 8192)
        relation.write(b"\xff" * 8192)
    cluster.start()
    for jobs, level in itertools.product((1, 2), ("counts", "archive", "content")):
        with pytest.raises((ToolError, DatabaseError)) as caught:
            run(target(database.url, jobs=jobs, inventory=level), tmp_path)
        assert "invalid page in block" in str(caught.value), str(caught.value)
        only(LocalStore(tmp_path))
