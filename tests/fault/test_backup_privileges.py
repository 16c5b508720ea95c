"""A role that may not see everything is refused before the dump, by name of what it lacks (B05)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.config import Target
from dbops.errors import DatabaseError, PreflightError, ToolError
from tests.fault.support import At, one, only, run, target, until
from tests.installations import Installation
from tests.servers import Cluster, Database

SCHEMA = """
    CREATE SCHEMA shop; CREATE SCHEMA "In ner";
    CREATE TABLE shop.orders (id serial PRIMARY KEY, tenant int, note text);
    INSERT INTO shop.orders (tenant, note) SELECT n % 2, 'note ' || n FROM generate_series(1, 1000) n;
    CREATE TABLE "In ner"."Mixed Case" (a int);
    CREATE TABLE shop.parted (k int, v text) PARTITION BY RANGE (k);
    CREATE TABLE shop.parted_1 PARTITION OF shop.parted FOR VALUES FROM (0) TO (100);
    INSERT INTO shop.parted SELECT n, 'x' FROM generate_series(1, 50) n;
    CREATE ROLE reader LOGIN PASSWORD 'r';
    GRANT USAGE ON SCHEMA shop, "In ner" TO reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA shop, "In ner" TO reader;
    GRANT SELECT ON ALL SEQUENCES IN SCHEMA shop TO reader;
"""


@pytest.fixture(scope="module")
def cluster(installation: Installation) -> Iterator[Cluster]:
    with Cluster(installation) as cluster:
        yield cluster


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[Database]:
    cluster.create_database("shop")
    database = Database(cluster, "shop")
    database.psql(SCHEMA)
    yield database
    cluster.drop_database("shop")
    with cluster.connect() as connection:
        connection.execute("DROP ROLE reader")


def as_reader(database: Database, jobs: int = 1) -> Target:
    return target(database.cluster.url(database.name, user="reader", password="r"), jobs=jobs)


def refused(database: Database, store: Path) -> PreflightError:
    """The refusal comes before anything is written or dumped."""
    progress = At("phase dump", lambda: None)
    with pytest.raises(PreflightError) as caught:
        run(as_reader(database), store, progress)
    assert not progress.done
    assert not store.exists()
    assert caught.value.exit_code == 4
    assert caught.value.hint
    assert "reader" in caught.value.message
    return caught.value


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_role_with_all_it_needs(shop: Database, store: Path, jobs: int) -> None:
    made = run(as_reader(shop, jobs), store)
    only(store, made)
    assert made.rows == 1050
    whole = run(target(shop.url), store)
    assert whole.inventory.tables == made.inventory.tables


@pytest.mark.parametrize(
    ("revoke", "kind", "name"),
    [
        ("REVOKE SELECT ON shop.orders FROM reader", "cannot-read-table", "shop.orders"),
        ('REVOKE SELECT ON "In ner"."Mixed Case" FROM reader', "cannot-read-table", '"In ner"."Mixed Case"'),
        ("REVOKE SELECT ON shop.orders_id_seq FROM reader", "cannot-read-sequence", "shop.orders_id_seq"),
        ('REVOKE USAGE ON SCHEMA "In ner" FROM reader', "cannot-read-schema", '"In ner"'),
        ("CREATE TABLE shop.new (a int)", "cannot-read-table", "shop.new"),
        ("CREATE SCHEMA fresh", "cannot-read-schema", "fresh"),
        # pg_dump locks the root, though the rows are in its partitions
        ("REVOKE SELECT ON shop.parted FROM reader", "cannot-read-table", "shop.parted"),
        ("SELECT lo_from_bytea(4711, 'x')", "cannot-read-large-object", "4711"),
    ],
)
def test_a_right_that_is_missing(shop: Database, store: Path, revoke: str, kind: str, name: str) -> None:
    shop.psql(revoke)
    error = refused(shop, store)
    assert error.kind == kind
    assert name in error.message


def test_everything_that_is_missing_is_said_at_once(shop: Database, store: Path) -> None:
    shop.psql("REVOKE ALL ON ALL TABLES IN SCHEMA shop FROM reader; SELECT lo_from_bytea(1, 'x')")
    error = refused(shop, store)
    for name in ("shop.orders", "shop.parted_1", "1"):
        assert name in error.message
    assert "pg_read_all_data" in error.hint
    assert "large objects" in error.hint


def test_a_setting_that_switches_to_another_role(shop: Database, store: Path) -> None:
    """A superuser who is told that `postgres` cannot read would not believe it: the setting is named."""
    shop.psql("REVOKE SELECT ON shop.parted_1 FROM reader; ALTER DATABASE shop SET role = reader")
    with pytest.raises(PreflightError, match=r"reader, which a setting of the database or of postgres switches to"):
        run(target(shop.url), store)


def test_a_large_object_that_may_be_read(shop: Database, store: Path) -> None:
    shop.psql("SELECT lo_from_bytea(4711, 'x'); GRANT SELECT ON LARGE OBJECT 4711 TO reader")
    assert run(as_reader(shop), store).inventory.large_objects.count == 1


def test_exactly_pg_read_all_data(shop: Database, store: Path) -> None:
    shop.psql("REVOKE ALL ON ALL TABLES IN SCHEMA shop FROM reader; GRANT pg_read_all_data TO reader")
    made = run(as_reader(shop), store)
    assert made.rows == 1050
    assert made.inventory.roles == ("postgres", "reader")


POLICY = "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON shop.orders USING (tenant = 1);"


def test_row_level_security_would_hide_rows(shop: Database, store: Path) -> None:
    shop.psql(POLICY + "GRANT pg_read_all_data TO reader")
    error = refused(shop, store)
    assert error.kind == "row-level-security"
    assert "shop.orders" in error.message
    assert "BYPASSRLS" in error.hint


def test_row_level_security_that_does_not_apply(shop: Database, store: Path) -> None:
    shop.psql(POLICY + "ALTER ROLE reader BYPASSRLS")
    assert run(as_reader(shop), store).rows == 1050


def test_forced_row_level_security_binds_the_owner_too(shop: Database, store: Path) -> None:
    shop.psql(POLICY + "ALTER TABLE shop.orders OWNER TO reader")
    run(as_reader(shop), store)
    shop.psql("ALTER TABLE shop.orders FORCE ROW LEVEL SECURITY")
    with pytest.raises(PreflightError) as caught:
        run(as_reader(shop), store)
    assert caught.value.kind == "row-level-security"


@pytest.mark.parametrize("level", ["counts", "archive", "content"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_policy_that_comes_after_the_preflight(shop: Database, store: Path, jobs: int, level: str) -> None:
    """The sessions have row_security off: an error, and never half of the rows."""
    shop.psql("GRANT pg_read_all_data TO reader")
    chosen = target(shop.cluster.url("shop", user="reader", password="r"), jobs=jobs, inventory=level)
    with pytest.raises(Exception, match="row-level security") as caught:
        run(chosen, store, At("phase dump", lambda: shop.psql(POLICY)))
    assert getattr(caught.value, "exit_code", None) == 4
    only(store)


def test_the_inventory_reads_all_rows_or_none(shop: Database) -> None:
    """Whatever pg_dump does by itself: neither counting nor reading in the snapshot is filtered."""
    shop.psql("GRANT pg_read_all_data TO reader")
    engine = app.open_engine(as_reader(shop))
    shop.psql(POLICY)
    with pytest.raises(DatabaseError, match="row-level security"), engine.snapshot() as snapshot:
        snapshot.counts(snapshot.tables(), 1)
    with pytest.raises(DatabaseError, match="row-level security"), engine.snapshot() as snapshot:
        snapshot.contents(snapshot.tables(), 1, At("", lambda: None))


def test_subscriptions_are_left_out_for_plain_roles(shop: Database, store: Path) -> None:
    """pg_dump only warns."""
    shop.psql(
        "CREATE SUBSCRIPTION s CONNECTION 'dbname=nowhere' PUBLICATION p"
        " WITH (connect = false, slot_name = NONE, enabled = false)"
    )
    try:
        made = run(as_reader(shop), store)
        assert [f.subject for f in made.findings if "subscription" in f.id] == ["s"]
    finally:
        shop.psql("DROP SUBSCRIPTION s")


def test_the_fault_is_real(shop: Database) -> None:
    """With row security left on, half of the table looks like all of it."""
    shop.psql(POLICY)
    shop.psql("GRANT pg_read_all_data TO reader")
    with shop.connect() as connection:
        connection.execute("SET ROLE reader")
        assert one(connection, "SELECT count(*) FROM shop.orders") == 500


def test_too_few_sessions_for_a_role(shop: Database, tmp_path: Path) -> None:
    """Whoever misses one, the driver, psql or pg_dump: the limit is named each time, until it is high enough."""
    hints = []
    for limit in range(2, 20):
        shop.psql(f"ALTER ROLE reader CONNECTION LIMIT {limit}")
        try:
            run(as_reader(shop, jobs=2), tmp_path)
        except (DatabaseError, ToolError) as error:
            hints.append(error.hint)
            until(lambda: not reading(shop), "the sessions of a backup that failed")
        else:
            break
    assert hints
    assert all("CONNECTION LIMIT" in hint for hint in hints)


def reading(database: Database) -> str:
    return database.psql("SELECT 1 FROM pg_stat_activity WHERE usename = 'reader'")
