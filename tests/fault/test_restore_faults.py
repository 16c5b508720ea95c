"""Faults R01, R03, R04, R07: bad archives, errors of the load, the wrong database, newer dumps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from dbops.errors import BadBackupError, PreflightError, ToolError
from dbops.model import Verdict
from tests.restoring import (
    TIMEOUT,
    Backed,
    artifact,
    back_up,
    databases,
    fill,
    forged,
    run_restore,
    start,
    untouched,
)
from tests.servers import Cluster, Database


@pytest.fixture
def shop(database: Database, tmp_store: str) -> Backed:
    fill(database)
    return back_up(database, tmp_store)


# -- R01: a bad archive -----------------------------------------------------------------------------------------------


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 100])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [_cut, _flip, Path.unlink])
@pytest.mark.parametrize("jobs", [1, 2])
def test_r01_a_damaged_backup_is_not_restored(
    database: Database, tmp_store: str, damage: Callable[[Path], None], jobs: int
) -> None:
    fill(database)
    backed = back_up(database, tmp_store, jobs=jobs)
    largest = max((a for a in backed.manifest.artifacts if a.name.startswith("backup_")), key=lambda a: a.bytes)
    damage(artifact(backed, largest.name))
    with untouched(database), pytest.raises(BadBackupError) as error:
        run_restore(backed)
    assert largest.name in error.value.message


@pytest.mark.parametrize("jobs", [1, 2])
def test_r01_a_truncated_archive_with_a_matching_hash_leaves_the_database_alone(
    database: Database, tmp_store: str, jobs: int
) -> None:
    fill(database)
    backed = back_up(database, tmp_store, jobs=jobs)
    largest = max((a for a in backed.manifest.artifacts if a.name.startswith("backup_")), key=lambda a: a.bytes)
    _cut(artifact(backed, largest.name))
    with untouched(database), pytest.raises((ToolError, BadBackupError)):
        run_restore(backed, manifest=forged(backed))


# -- R03: errors while loading ----------------------------------------------------------------------------------------


def test_r03_a_function_that_relies_on_a_search_path_is_told_what_to_do(database: Database, tmp_store: str) -> None:
    """The usual way in which a dump that is whole does not load: the server's words alone leave its reader puzzled."""
    if database.cluster.major >= 17:
        pytest.skip("from 17 on such an index cannot even be made: the search path is restricted then, too")
    database.psql(
        "CREATE TABLE t (a text); CREATE FUNCTION low(x text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(x)';"
        "CREATE FUNCTION key(x text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT low(x)';"
        "INSERT INTO t VALUES ('A'); CREATE INDEX t_key ON t (key(a))"
    )
    with pytest.raises(ToolError, match=r"low.* does not exist") as caught:
        run_restore(back_up(database, tmp_store))
    assert "ALTER FUNCTION … SET search_path" in caught.value.hint


@pytest.mark.parametrize("jobs", [1, 2])
def test_r03_the_first_error_of_the_load_fails_the_restore(database: Database, tmp_store: str, jobs: int) -> None:
    """A check that leans on search_path does not survive a dump: a restore runs with an empty one."""
    database.psql(
        "CREATE TABLE a (n int); CREATE TABLE z (n int); INSERT INTO z VALUES (1);"
        "CREATE FUNCTION known(int) RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM z WHERE n = $1)';"
        "ALTER TABLE a ADD CHECK (known(n)); INSERT INTO a VALUES (1)"
    )
    backed = back_up(database, tmp_store, jobs=jobs)
    with untouched(database), pytest.raises(ToolError) as error:
        run_restore(backed)
    assert error.value.kind == "load-failed"
    assert 'relation "z" does not exist' in error.value.message


# -- R04: over what? --------------------------------------------------------------------------------------------------


def test_r04_without_a_terminal_and_without_yes_it_refuses(shop: Backed, tmp_path: Path) -> None:
    with untouched(shop.database):
        process = start(shop, tmp_path)
        _, told = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert shop.database.name in told
    assert str(shop.database.cluster.port) in told
    assert shop.manifest.id in told


def test_r04_another_server_and_another_database_are_named(shop: Backed, new_cluster: Callable[..., Cluster]) -> None:
    report = run_restore(shop, cluster=new_cluster(), into="elsewhere")
    assert {"other-server", "other-database"} <= {finding.id for finding in report.findings}


# -- R07: a newer dump ------------------------------------------------------------------------------------------------


def test_r07_the_one_harmless_error_of_a_newer_dump_is_passed_over_by_name(
    new_cluster: Callable[..., Cluster], tmp_store: str
) -> None:
    source, older = new_cluster(17), new_cluster(15)
    source.create_database("shop")
    database = Database(source, "shop")
    database.psql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n")
    report = run_restore(back_up(database, tmp_store), cluster=older)
    assert report.verdict is Verdict.PASS
    assert [f.subject for f in report.findings if f.id == "harmless-error"] == [
        'unrecognized configuration parameter "transaction_timeout"'
    ]
    database.psql("GRANT MAINTAIN ON t TO PUBLIC")
    with pytest.raises(ToolError, match='unrecognized privilege type "maintain"'):
        run_restore(back_up(database, tmp_store), cluster=older)
    assert not any("_restore_" in name for name in databases(older))


def test_r07_an_archive_too_new_for_the_tools_at_hand(shop: Backed) -> None:
    tool = msgspec.structs.replace(shop.manifest.tool, version="99.1")
    with untouched(shop.database), pytest.raises(PreflightError, match=r"written by pg_dump 99\.1"):
        run_restore(shop, manifest=msgspec.structs.replace(shop.manifest, tool=tool))
