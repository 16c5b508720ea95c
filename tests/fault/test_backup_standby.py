"""A backup from a standby: it works, and where the standby cancels it, it says so (B16)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.errors import DbopsError
from tests.fault.standby import standby_of
from tests.fault.support import At, copying, fill, one, only, run, target, until, verified
from tests.installations import Installation
from tests.servers import Cluster, Database

CANCELS_AT_ONCE = {
    "hot_standby_feedback": "off",
    "max_standby_streaming_delay": "0",
    "max_standby_archive_delay": "0",
    # It logs whom it cancels (`conflicts`): after this time, and it sleeps for longer once it has told the first one.
    "log_recovery_conflict_waits": "on",
    "deadlock_timeout": "1ms",
}


@pytest.fixture(scope="module")
def primary(installation: Installation) -> Iterator[Cluster]:
    # Nobody but a test removes rows, or keeps them from being removed; what is committed is sent at once.
    with Cluster(installation, settings={"autovacuum": "off", "synchronous_commit": "on"}) as cluster:
        cluster.create_database("shop")
        fill(Database(cluster, "shop"))
        yield cluster


@pytest.fixture(scope="module")
def standby(primary: Cluster) -> Iterator[Database]:
    """Follows the primary; cancels whoever is in the way of what it replays, at once."""
    with standby_of(primary, CANCELS_AT_ONCE) as cluster:
        yield Database(cluster, "shop")


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_backup_from_a_standby(standby: Database, tmp_path: Path, jobs: int) -> None:
    made = run(target(standby.url, jobs=jobs), tmp_path)
    only(tmp_path, made)
    verified(tmp_path)


def conflicts(standby: Database) -> int:
    """How often the standby has begun to cancel whoever still sees rows that are to go."""
    lines = standby.cluster.log().splitlines()
    return sum("recovery still waiting" in line and "recovery conflict on snapshot" in line for line in lines)


def caught_up(primary: Cluster, standby: Database) -> None:
    """Nothing is left to replay that the next backup could be in the way of."""
    with primary.connect() as above, standby.cluster.connect() as below:
        end = one(above, "SELECT pg_current_wal_flush_lsn()::text")
        until(lambda: one(below, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", end), "the standby replays it all")


@pytest.mark.parametrize("level", ["counts", "content"])
def test_the_standby_cancels_the_dump(primary: Cluster, standby: Database, tmp_path: Path, level: str) -> None:
    """Rows that the dump still reads are removed on the primary, and the standby replays that."""

    def vacuum() -> None:
        # The stream waits meanwhile, so pg_dump is in the midst of the table: the pipe is full.
        until(lambda: copying(standby), "pg_dump reads the table")
        before = conflicts(standby)
        with primary.connect("shop") as connection:
            connection.execute("UPDATE big SET t = t || 'x' WHERE id % 3 = 0")
            connection.execute("VACUUM big")
        # Not until somebody is gone: the standby cancels one after the other, and a server process that cannot send
        # another byte, since the stream waits, does not go. It is enough that the standby is at it.
        until(lambda: conflicts(standby) > before, "the standby cancels somebody")

    progress = At("advance", vacuum)
    with pytest.raises(DbopsError) as caught:
        run(target(standby.url, jobs=1, inventory=level), tmp_path, progress)
    assert progress.done
    assert caught.value.exit_code == 4
    # Which session is cancelled first is the standby's choice; the driver may only see its connection go.
    assert "conflict with recovery" in str(caught.value) or caught.value.kind == "connection-lost"
    assert "standby" in caught.value.hint
    assert "max_standby_streaming_delay" in caught.value.hint
    assert "hot_standby_feedback" in caught.value.hint
    only(tmp_path)
    caught_up(primary, standby)
