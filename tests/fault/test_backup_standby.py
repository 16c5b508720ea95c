"""A backup from a standby: it works, and where the standby cancels it, it says so (B16)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.errors import DbopsError
from tests.conftest import _default_installation
from tests.fault.support import At, fill, one, only, own_cluster, run, target, until, verified
from tests.machine import server_user
from tests.servers import Cluster, Database


@pytest.fixture(scope="module")
def primary() -> Iterator[Cluster]:
    with own_cluster() as cluster:
        cluster.create_database("shop")
        fill(Database(cluster, "shop"))
        yield cluster


@pytest.fixture(scope="module")
def standby(primary: Cluster) -> Iterator[Database]:
    """Follows the primary; cancels whoever is in the way of what it replays, at once."""
    cluster = Cluster(_default_installation())
    try:
        cluster.folder.chmod(0o755)
        server_user().takes(cluster.folder)
        where = ["-h", str(primary.folder), "-p", str(primary.port), "-U", "postgres"]
        cluster._tool("pg_basebackup", *where, "-D", str(cluster.data), "-R", "-c", "fast")
        cluster.configure({"unix_socket_directories": str(cluster.folder), "max_standby_streaming_delay": "0"})
        cluster._first_start()
        cluster.password = primary.password
        yield Database(cluster, "shop")
    finally:
        cluster.close()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_backup_from_a_standby(standby: Database, tmp_path: Path, jobs: int) -> None:
    made = run(target(standby.url, jobs=jobs), tmp_path)
    only(tmp_path, made)
    verified(tmp_path)


@pytest.mark.xfail(
    raises=AssertionError, strict=False, reason="on a busy machine the standby may cancel nobody in time"
)
@pytest.mark.parametrize("level", ["counts", "content"])
def test_the_standby_cancels_the_dump(primary: Cluster, standby: Database, tmp_path: Path, level: str) -> None:
    """Rows that the dump still reads are removed on the primary, and the standby replays that."""

    def vacuum() -> None:
        conflicts = "SELECT sum(confl_snapshot) FROM pg_stat_database_conflicts WHERE datname = 'shop'"
        # The stream waits meanwhile, so pg_dump is in the midst of the table: the pipe is full.
        with primary.connect("shop") as connection, standby.connect() as below:
            before = one(below, conflicts)
            connection.execute("UPDATE big SET t = t || 'x' WHERE id % 3 = 0")
            connection.execute("VACUUM big")
            until(lambda: one(below, conflicts) > before, "the standby cancels somebody")

    progress = At("advance", vacuum)
    with pytest.raises(DbopsError) as caught:
        run(target(standby.url, jobs=1, inventory=level), tmp_path, progress)
    assert progress.done
    assert caught.value.exit_code == 4
    # Which session is cancelled first is the standby's choice; the driver may only see its connection go.
    assert "conflict with recovery" in str(caught.value) or caught.value.kind == "connection-lost"
    assert "hot_standby_feedback" in caught.value.hint
    only(tmp_path)
