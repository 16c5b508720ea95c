"""Settings of a database, role or machine change no digest, and stop no backup."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.model import Manifest
from tests.fault.support import At, run, target, verified
from tests.servers import Cluster, Database

SETTINGS = {
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "extra_float_digits": "-5",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "iso_8601",
    "TimeZone": "Asia/Kathmandu",
    "bytea_output": "escape",
    "xmlbinary": "hex",
    "quote_all_identifiers": "on",
    "standard_conforming_strings": "off",
    "search_path": "nowhere, pg_temp",
    "row_security": "off",
    "client_min_messages": "debug1",
    "log_statement": "all",
    "enable_seqscan": "off",
    "synchronize_seqscans": "on",
    "array_nulls": "off",
    "client_encoding": "LATIN1",
    "session_replication_role": "replica",
    "lc_messages": "C",
    "default_tablespace": "pg_default",
    "work_mem": "64kB",
}
LOCALE = {"lc_monetary": "C", "lc_numeric": "C", "lc_time": "C"}
ENVIRONMENT = {
    "PGTZ": "America/New_York",
    "PGDATESTYLE": "German",
    "PGOPTIONS": "-c bytea_output=escape -c TimeZone=Asia/Tokyo",
    "PGCLIENTENCODING": "LATIN1",
    "PGAPPNAME": "somebody else",
    "PG_COLOR": "always",
    "PGGEQO": "off",
    "PGDATABASE": "nowhere",
    "PSQLRC": "/nonexistent",
    "LC_ALL": "C",
    "LANG": "de_DE.UTF-8",
    "PGSYSCONFDIR": "/nonexistent",
}
CONTENT = """
    CREATE TABLE typed (id int PRIMARY KEY, f float8, r real, ts timestamptz, d date, i interval, b bytea, m money,
                        t text, x xml, a float8[], j jsonb);
    INSERT INTO typed SELECT n, n / 7.0::float8, n / 3.0::real, '2024-01-31 12:00+00'::timestamptz + n * interval '1 h',
        date '2024-01-31' + n, n * interval '1 day 2 hours', decode(md5(n::text), 'hex'), n::money,
        'é € ' || n, '<a/>', ARRAY[n / 7.0, NULL], '{"a": 1.10}' FROM generate_series(1, 2000) n;
    CREATE TYPE mood AS ENUM ('a', 'b', 'c');
    CREATE TABLE hashed (m mood, f float8) PARTITION BY HASH (m);
    CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (modulus 2, remainder 0);
    CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (modulus 2, remainder 1);
    INSERT INTO hashed SELECT (ARRAY['a', 'b', 'c'])[1 + n % 3]::mood, n / 7.0 FROM generate_series(1, 300) n;
    CREATE SCHEMA other; CREATE TABLE other.hashed_0 (a int); INSERT INTO other.hashed_0 VALUES (1), (2);
    SELECT lo_from_bytea(0, 'x')
"""
both_jobs = pytest.mark.parametrize("jobs", [1, 2])


@pytest.fixture(scope="module")
def shop(pg_server: Cluster) -> Iterator[Database]:
    pg_server.create_database("settings")
    database = Database(pg_server, "settings")
    database.psql(pg_server.spelled(CONTENT))
    yield database
    pg_server.drop_database("settings")


@pytest.fixture(scope="module")
def plain(shop: Database, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return run(target(shop.url), tmp_path_factory.mktemp("plain"))


def same(one: Manifest, other: Manifest) -> None:
    def rows(manifest: Manifest) -> dict[str, tuple[int, str]]:
        return {table.label: (table.rows, table.digest) for table in manifest.inventory.tables}

    assert rows(one) == rows(other)
    assert one.inventory.large_objects == other.inventory.large_objects
    left, right = (dict(m.inventory.objects, setting=()) for m in (one, other))
    assert left == right


@both_jobs
def test_settings_of_the_database(shop: Database, plain: Manifest, tmp_path: Path, jobs: int) -> None:
    with shop.connect() as connection:
        # What reads the list of settings must not be stopped by one of them: set in another session's absence.
        for name, value in SETTINGS.items():
            connection.execute(f"ALTER DATABASE settings SET {name} = '{value}'".encode())
    try:
        same(run(target(shop.url, jobs=jobs), tmp_path), plain)
        verified(tmp_path)
    finally:
        with shop.cluster.connect() as connection:
            connection.execute("ALTER DATABASE settings RESET ALL")


@pytest.mark.parametrize("name", ["client_encoding", "statement_timeout", "TimeZone", "bytea_output"])
def test_each_setting_that_matters_most(shop: Database, plain: Manifest, tmp_path: Path, name: str) -> None:
    with shop.cluster.connect() as connection:
        connection.execute(f"ALTER DATABASE settings SET {name} = '{SETTINGS[name]}'".encode())
    try:
        same(run(target(shop.url, jobs=1), tmp_path), plain)
    finally:
        with shop.cluster.connect() as connection:
            connection.execute("ALTER DATABASE settings RESET ALL")


@both_jobs
@pytest.mark.parametrize("name", ENVIRONMENT)
def test_the_environment(
    shop: Database, plain: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, jobs: int
) -> None:
    monkeypatch.setenv(name, ENVIRONMENT[name])
    same(run(target(shop.url, jobs=jobs), tmp_path), plain)


@both_jobs
def test_options_in_the_url(shop: Database, plain: Manifest, tmp_path: Path, jobs: int) -> None:
    options = "?options=-c%20work_mem%3D1MB%20-c%20search_path%3Dnowhere&client_encoding=LATIN1"
    same(run(target(shop.url + options, jobs=jobs), tmp_path), plain)


def test_the_inventory_has_the_settings_of_the_source(shop: Database, tmp_path: Path) -> None:
    """Not those that we set for our own sessions."""
    with shop.cluster.connect() as connection:
        connection.execute("ALTER DATABASE settings SET standard_conforming_strings = off")
    try:
        made = run(target(shop.url), tmp_path)
    finally:
        with shop.cluster.connect() as connection:
            connection.execute("ALTER DATABASE settings RESET ALL")
    assert made.inventory.settings["standard_conforming_strings"] == "off"


def test_the_server_stops_between_two_backups(shop: Database, tmp_path: Path) -> None:
    """A connection that is refused is an error with a place and a hint, before anything is written."""
    progress = At("phase dump", lambda: None)
    url = shop.url.replace(f":{shop.cluster.port}/", ":1/")
    with pytest.raises(Exception, match=r"cannot connect to settings on 127\.0\.0\.1:1"):
        run(target(url), tmp_path / "store", progress)
    assert not progress.done
    assert not (tmp_path / "store").exists()
