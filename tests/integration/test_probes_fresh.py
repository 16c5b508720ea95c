"""The database of a sandbox: made, settled at once, asked for values, and gone with its context."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import NamedTuple

import pytest

from dbops import app
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.engine.restoring import Restorer, SideDatabase, Wishes
from dbops.errors import DatabaseError, PreflightError, RefusedError
from dbops.model import Severity
from dbops.ops.copy_check import check_copy
from dbops.ops.fetch import fetch
from dbops.ops.restore_plan import Archive, archive_of
from dbops.progress import Silent
from tests.restoring import Backed, back_up, databases, fill
from tests.servers import Database

NAME = "a \"copy\" 'of' 100%s"


class Made(NamedTuple):
    backed: Backed
    archive: Archive
    restorer: Restorer


@pytest.fixture
def made(any_database: Database, tmp_store: str) -> Iterator[Made]:
    """A backup with everything that belongs to the database itself, and where it is to go."""
    fill(any_database)
    any_database.psql(
        f"COMMENT ON DATABASE {any_database.name} IS 'the shop';"
        f"ALTER DATABASE {any_database.name} CONNECTION LIMIT 2;"
        f"ALTER DATABASE {any_database.name} SET search_path = app, public;"
        f"ALTER DATABASE {any_database.name} SET default_transaction_read_only = on;"
        f"GRANT CREATE ON DATABASE {any_database.name} TO pg_monitor;"
        "SET default_transaction_read_only = off; CREATE SCHEMA app; CREATE TABLE app.only_here (n int)"
    )
    backed = back_up(any_database, tmp_store)
    with fetch(backed.catalog, backed.manifest, jobs=2, progress=Silent()) as copy:
        archive = archive_of(backed.catalog, backed.manifest, copy)
        yield Made(backed, archive, app.open_engine(backed.target).restorer(NAME))
    any_database.cluster.drop_database(NAME)


def _filled(made: Made, stack: ExitStack) -> SideDatabase:
    side = stack.enter_context(made.restorer.fresh(made.backed.manifest))
    wishes = Wishes(jobs=2)
    side.load(made.backed.manifest, made.archive.path, wishes, Silent())
    side.analyze(2)
    side.settle(made.archive.database_sql, wishes)
    return side


def test_it_is_equal_at_once_and_dropped(made: Made) -> None:
    cluster = made.backed.database.cluster
    before = databases(cluster)
    with ExitStack() as stack:
        side = _filled(made, stack)
        check = check_copy(side, made.archive, Wishes(jobs=2), Silent(), server=made.backed.manifest.engine)
        assert check.comparison.findings == []
        assert check.comparison.not_evaluated == []
        probed = side.examine(made.backed.manifest, 2, Silent())
        assert [f for f in probed.findings if f.severity is Severity.ERROR] == []
        assert {probe.id for probe in probed.probes} >= {"insert", "foreign-keys", "constraints", "indexes", "views"}
        check = check_copy(side, made.archive, Wishes(jobs=2), Silent(), server=made.backed.manifest.engine)
        assert check.comparison.findings == []  # a look changes nothing
        assert side.swap("20261124T024500Z", end_sessions=False) == ""
        assert side.name in databases(cluster)
        stack.enter_context(cluster.connect(NAME))  # whoever is in it is no reason to keep it
    assert databases(cluster) == before


def test_it_is_marked_while_it_is_filled(made: Made) -> None:
    comment = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    cluster = made.backed.database.cluster
    with made.restorer.fresh(made.backed.manifest) as side:
        assert "dbops restore of shop/" in cluster.psql(comment, NAME)
        side.settle(made.archive.database_sql, Wishes())
        assert cluster.psql(comment, NAME) == "the shop\n"
        side.settle("-- nothing\n", Wishes())
        assert cluster.psql(comment, NAME) == "\n"


def test_what_is_there_is_neither_filled_nor_dropped(made: Made) -> None:
    cluster = made.backed.database.cluster
    cluster.create_database(NAME)
    with pytest.raises(RefusedError, match="exists already"), made.restorer.fresh(made.backed.manifest):
        pytest.fail("it was entered")
    assert NAME in databases(cluster)


def test_it_is_dropped_after_an_error(made: Made) -> None:
    with pytest.raises(ZeroDivisionError), made.restorer.fresh(made.backed.manifest):
        raise ZeroDivisionError
    assert NAME not in databases(made.backed.database.cluster)


def test_a_limit_that_would_lock_us_out(made: Made) -> None:
    cluster = made.backed.database.cluster
    cluster.psql("CREATE ROLE maker LOGIN CREATEDB PASSWORD 'p'")
    try:
        target = Target(url=Secret(cluster.url("postgres", user="maker", password="p")), name="shop")
        restorer = app.open_engine(target).restorer(NAME)
        with restorer.fresh(made.backed.manifest) as side:
            with pytest.raises(PreflightError, match="allows 2 connections"):
                side.settle(made.archive.database_sql, Wishes(no_owner=True))
        assert NAME not in databases(cluster)
    finally:
        cluster.psql("DROP ROLE maker")


def test_values_of_a_query(made: Made) -> None:
    with ExitStack() as stack:
        side = _filled(made, stack)
        [invoices] = (table for table in made.backed.manifest.inventory.tables if table.name == "invoices")
        assert side.value("select count(*) from invoices", 5) == invoices.rows
        assert side.value("select count(*) from only_here", 5) == 0  # in the database's own search path
        assert side.value("SELECT 100 % 30 -- %s", 5) == 10
        assert side.value("values (1.50)", 5) == Decimal("1.50")
        assert side.value("SELECT 'é%'::text", 5) == "é%"
        assert side.value("SELECT NULL", 5) is None
        assert side.value("SELECT true;", 5) is True
        # Not because the database says so.
        made.backed.database.cluster.psql(
            "SELECT format('ALTER DATABASE %I RESET default_transaction_read_only', datname) FROM pg_database"
            " WHERE datname LIKE 'a \"copy%' \\gexec"
        )
        refused = {
            "SELECT 1; DROP TABLE app.only_here": "multiple commands",
            "COMMIT; DROP TABLE app.only_here": "multiple commands",
            "SELECT nextval('public.tickets')": "read-only transaction",
            "DELETE FROM app.only_here RETURNING n": "read-only transaction",
            "WITH d AS (INSERT INTO app.only_here VALUES (1) RETURNING n) SELECT n FROM d": "read-only transaction",
            "SELECT pg_sleep(60)": "statement timeout",
            "SELECT n FROM generate_series(1, 2) n": "2 rows of 1 columns",
            "SELECT 1, 2": "1 rows of 2 columns",
            "SELECT 1 WHERE false": "0 rows of 1 columns",
            "COMMIT": "no rows at all",
            "SET default_transaction_read_only = off": "no rows at all",
            "": "no rows at all",
            "SELECT * FROM no_such_table": "does not exist",
            "COPY app.only_here TO STDOUT": "",
        }
        for query, words in refused.items():
            with pytest.raises(DatabaseError) as error:
                side.value(query, 0.3)
            assert words in str(error.value), query
        assert side.value("SELECT count(*) FROM app.only_here", 5) == 0
        assert side.value("SELECT last_value FROM tickets", 5) == 100


def test_a_value_is_looked_up_as_the_role_of_the_backup_does(made: Made) -> None:
    cluster = made.backed.database.cluster
    cluster.psql("CREATE ROLE app_role")
    try:
        with ExitStack() as stack:
            side = _filled(made, stack)
            side._role = "app_role"  # type: ignore[attr-defined]
            cluster.psql("ALTER ROLE app_role SET search_path = '$user', elsewhere")
            cluster.psql(
                "SET default_transaction_read_only = off; CREATE SCHEMA elsewhere;"
                "CREATE TABLE elsewhere.t AS SELECT 7 AS n;"
                "CREATE SCHEMA app_role; CREATE TABLE app_role.own AS SELECT 8 AS n",
                NAME,
            )
            assert side.value("SELECT n FROM t", 5) == 7
            assert side.value("SELECT n FROM own", 5) == 8
            # All in one quote, which is a usual mistake: one schema of a strange name, that nothing is found in.
            cluster.psql("""ALTER ROLE app_role SET search_path = '"$user", elsewhere'""")
            assert side.value("SELECT current_setting('search_path')", 5) == '"""$user"", elsewhere"'
    finally:
        cluster.psql("DROP ROLE app_role")
