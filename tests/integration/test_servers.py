"""The test bed itself: if these fail, no other result on a real server means anything."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import psycopg
import pytest

from tests.inputs import contents, regression
from tests.servers import Cluster, Database

if TYPE_CHECKING:
    from testcontainers.community.postgres import PostgresContainer

ROOT = Path(__file__).parents[2]
HOSTILE = "a \"b\" 'c' $d; -- %e/f?g é"


def test_a_cluster_of_each_major_asks_for_the_password_on_tcp(any_pg: Cluster) -> None:
    with psycopg.connect(any_pg.url()) as connection:
        assert connection.info.server_version // 10000 == any_pg.major
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(any_pg.url(password="wrong"))


def test_a_database_is_fresh_and_has_hostile_neighbours(database: Database) -> None:
    assert contents(database) == {}
    url = database.cluster.create_database(HOSTILE)
    for each in (url, database.cluster.socket_url(HOSTILE)):
        with psycopg.connect(each) as connection:
            assert connection.info.dbname == HOSTILE
    database.cluster.drop_database(HOSTILE)
    with pytest.raises(RuntimeError, match="does not exist"):
        database.psql("SELECT * FROM nothing")


def test_a_killed_cluster_recovers_what_was_committed(new_cluster: Callable[..., Cluster]) -> None:
    cluster = new_cluster(settings={"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"})
    cluster.psql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n")
    cluster.kill()
    with pytest.raises(psycopg.OperationalError):
        cluster.connect()
    cluster.start()
    assert cluster.psql("SHOW fsync; SELECT count(*) FROM t").split() == ["on", "1000"]
    assert "automatic recovery in progress" in cluster.log()


def test_a_closed_cluster_leaves_nothing_behind(new_cluster: Callable[..., Cluster]) -> None:
    cluster = new_cluster()
    cluster.close()
    assert not cluster.folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(cluster.url())


def test_a_cluster_does_not_outlive_a_killed_test_run() -> None:
    script = """
import os, signal
from tests.servers import Cluster, find_installations
with Cluster(find_installations()[0]) as cluster:
    print(cluster.folder, cluster.url(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    folder, url = killed.stdout.split()
    deadline = time.monotonic() + 30
    while Path(folder).exists():
        assert time.monotonic() < deadline, f"{folder} is still there"
        time.sleep(0.05)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_a_small_file_system_fills_up(small_tmpfs: Callable[[str], Path]) -> None:
    with pytest.raises(OSError) as failure:
        (small_tmpfs("64k") / "file").write_bytes(bytes(1 << 20))
    assert failure.value.errno == errno.ENOSPC


def test_a_store_is_an_empty_folder(tmp_store: str) -> None:
    assert list(Path(unquote(urlsplit(tmp_store).path)).iterdir()) == []


def test_a_container_answers(container_pg: PostgresContainer) -> None:
    with psycopg.connect(container_pg.get_connection_url()) as connection:
        assert connection.info.server_version >= 150000


@pytest.mark.slow
def test_the_regression_database_is_whole(regression_database: Database) -> None:
    rows = contents(regression_database)
    assert len(rows) > 500
    assert sum(rows.values()) > 400_000
    copy = Database(regression_database.cluster, "without_c")
    copy.cluster.create_database(copy.name, template=regression_database.name)
    assert regression.drop_c_functions(copy) > 0
    assert copy.psql("SELECT count(*) FROM pg_proc WHERE probin LIKE '%/regress/lib/%'").strip() == "0"
    copy.cluster.drop_database(copy.name)


@pytest.mark.slow
def test_each_sample_database_has_rows(sample_database: Database) -> None:
    rows = contents(sample_database)
    assert len(rows) > 10
    assert sum(rows.values()) > 1000
