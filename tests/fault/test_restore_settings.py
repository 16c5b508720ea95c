"""Settings of a database that bend what is read from it or stop a restore, and tables that need another server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

from dbops.errors import DbopsError, PreflightError
from dbops.model import Failure, Verdict
from tests.mutations.workshop import Workshop
from tests.probing import examined, told, tried
from tests.restoring import Backed, artifact, back_up, databases, forged, run_restore, untouched
from tests.servers import Cluster, Database

SCHEMA = """
CREATE TABLE kinds (id serial PRIMARY KEY, kind regclass, "odd (name" text UNIQUE);
INSERT INTO kinds (kind) SELECT 'pg_class' FROM generate_series(1, 50);
CREATE SEQUENCE "odd (sequence";
CREATE PUBLICATION p;
CREATE SUBSCRIPTION s CONNECTION 'host=/nonexistent' PUBLICATION p WITH (connect = false, slot_name = NONE);
"""
SETTINGS = {
    "array_nulls": "off",
    "client_encoding": "LATIN1",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "lock_timeout": "1ms",
    "quote_all_identifiers": "on",
    "search_path": "nowhere",
    "standard_conforming_strings": "off",
    "statement_timeout": "1ms",
    "transform_null_equals": "on",
}
FOREIGN = """
CREATE FOREIGN DATA WRAPPER nowhere; -- without a handler: whoever reads through it fails, as when its server is down
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere;
CREATE TABLE parts (n int) PARTITION BY RANGE (n);
CREATE TABLE middle PARTITION OF parts FOR VALUES FROM (0) TO (20) PARTITION BY RANGE (n);
CREATE TABLE here PARTITION OF middle FOR VALUES FROM (0) TO (10);
CREATE FOREIGN TABLE there PARTITION OF middle FOR VALUES FROM (10) TO (20) SERVER elsewhere;
CREATE TABLE parent (n int);
CREATE FOREIGN TABLE child () INHERITS (parent) SERVER elsewhere;
INSERT INTO parts SELECT n % 10 FROM generate_series(1, 500) n;
INSERT INTO parent VALUES (1);
"""


@pytest.fixture
def subscribed(database: Database) -> Iterator[Database]:
    database.psql(SCHEMA)
    yield database
    rows = database.cluster.psql("SELECT datname FROM pg_database d JOIN pg_subscription ON subdbid = d.oid")
    for name in rows.splitlines():
        database.cluster.psql(f'ALTER DATABASE "{name}" RESET ALL')
        database.cluster.psql("DROP SUBSCRIPTION s", name)
        if name != database.name:
            database.cluster.drop_database(name)


def _set_all(database: Database) -> None:
    with database.cluster.connect() as connection:
        for name, value in SETTINGS.items():
            words = sql.SQL("ALTER DATABASE {} SET {} = {}")
            parts = (sql.Identifier(database.name), sql.Identifier(name), sql.Literal(value))
            connection.execute(words.format(*parts))


def test_a_database_whose_settings_are_in_the_way_comes_back(subscribed: Database, tmp_store: str) -> None:
    backed = back_up(subscribed, tmp_store)
    _set_all(subscribed)
    again = back_up(subscribed, tmp_store)
    # regclass prints quoted names under quote_all_identifiers: a digest must not hang on that
    assert again.manifest.inventory.tables == backed.manifest.inventory.tables
    report = run_restore(again)
    assert report.verdict is Verdict.PASS, report.findings
    settings = "SELECT cardinality(setconfig) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase"
    assert int(subscribed.cluster.psql(f"{settings} WHERE datname = '{subscribed.name}'")) == len(SETTINGS)


def test_probes_work_under_the_settings_of_a_database(database: Database) -> None:
    database.psql(SCHEMA.partition("CREATE PUBLICATION")[0])
    _set_all(database)
    if database.cluster.major >= 17:
        database.cluster.psql(f'ALTER DATABASE "{database.name}" SET transaction_timeout = 1')
    probed = examined(database)
    assert not told(probed)
    assert tried(probed, "insert") == 1


def test_a_restore_does_not_need_the_servers_of_foreign_tables(database: Database, tmp_store: str) -> None:
    database.psql(FOREIGN)
    report = run_restore(back_up(database, tmp_store))
    assert report.verdict is Verdict.PASS, report.findings
    with database.connect() as connection:
        analyzed = connection.execute("SELECT reltuples FROM pg_class WHERE relname = 'here'").fetchall()
    assert analyzed == [(500,)]


@pytest.mark.parametrize("in_place", [False, True], ids=["beside", "in place"])
def test_a_setting_that_the_server_does_not_know_is_told_what_to_do(
    database: Database, tmp_store: str, in_place: bool
) -> None:
    """A newer major has dropped some: force_parallel_mode, old_snapshot_threshold. The live database stays."""
    database.psql("CREATE TABLE t (a int)")
    with database.cluster.connect() as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} SET jit = off").format(sql.Identifier(database.name)))
        connection.execute(
            "UPDATE pg_db_role_setting SET setconfig = '{gone_since_then=on}' FROM pg_database d "
            "WHERE d.oid = setdatabase AND d.datname = %s",
            [database.name],
        )
    backed = back_up(database, tmp_store)
    with untouched(database), pytest.raises(DbopsError, match="gone_since_then") as caught:
        run_restore(backed, in_place=in_place, safety=(lambda: backed.manifest) if in_place else None)
    assert caught.value.kind == "setting-unknown"
    assert "RESET" in caught.value.hint


def without_library(backed: Backed) -> Backed:
    """As on a server that lacks what the source's has."""
    path = artifact(backed, "database.sql")
    text = path.read_text()
    assert "auto_explain" in text
    path.write_text(text.replace("auto_explain", "nonesuch"))
    manifest = forged(backed)
    backed.catalog.publish(manifest)
    return backed._replace(manifest=manifest)


@pytest.mark.parametrize("way", ["beside", "in place"])
@pytest.mark.parametrize("whose", ["database", "role"])
def test_a_library_that_the_server_does_not_have_locks_nobody_out(
    any_database: Database, tmp_store: str, way: str, whose: str
) -> None:
    """Under such a setting nobody can connect, and so nobody could mend it from inside."""
    any_database.psql("CREATE TABLE t (a int)")
    name = sql.Identifier(any_database.name)
    of = {
        "database": sql.SQL("ALTER DATABASE {}").format(name),
        "role": sql.SQL("ALTER ROLE CURRENT_USER IN DATABASE {}").format(name),
    }[whose]
    with any_database.cluster.connect() as connection:
        connection.execute(of + sql.SQL(" SET session_preload_libraries = 'auto_explain', 'auto_explain'"))
    backed = without_library(back_up(any_database, tmp_store))
    safety = (lambda: backed.manifest) if way == "in place" else None
    with untouched(any_database), pytest.raises(PreflightError, match="nonesuch") as caught:
        run_restore(backed, in_place=way == "in place", safety=safety)
    assert caught.value.kind == "preload-library"
    assert "RESET" in caught.value.hint


def test_a_drill_names_the_library_that_its_server_lacks(any_pg: Cluster, tmp_path: Path) -> None:
    workshop = Workshop(any_pg, tmp_path, "CREATE TABLE t (a int)")
    try:
        name = sql.Identifier(workshop.source.name)
        with any_pg.connect() as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} SET session_preload_libraries = 'auto_explain'").format(name))
        report = workshop.drill(without_library(workshop.backup()))
    finally:
        workshop.close()
    assert (report.verdict, report.failure) == (Verdict.INCONCLUSIVE, Failure.ENVIRONMENT)
    assert [one.id for one in report.not_evaluated if "nonesuch" in one.reason] == ["preload-library"]


@pytest.mark.parametrize("library", ["/tmp/evil", "nonesuch"])
def test_what_a_role_sets_for_itself_keeps_nobody_else_out(
    any_database: Database, tmp_store: str, library: str
) -> None:
    """Anybody may set it for his own sessions; a restore as a superuser must not load it."""
    cluster = any_database.cluster
    any_database.psql("CREATE TABLE t (a int)")
    name = sql.Identifier(any_database.name)
    role = sql.Identifier(f"{any_database.name} stranger")
    with cluster.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        setting = sql.SQL("ALTER ROLE {} IN DATABASE {} SET local_preload_libraries = {}")
        connection.execute(setting.format(role, name, sql.Literal(library)))
    try:
        report = run_restore(back_up(any_database, tmp_store))
        assert report.verdict is Verdict.PASS, report.findings
    finally:
        for old in databases(cluster):
            if old.startswith(any_database.name):
                cluster.drop_database(old)
        with cluster.connect() as connection:
            connection.execute(sql.SQL("DROP ROLE {}").format(role))
