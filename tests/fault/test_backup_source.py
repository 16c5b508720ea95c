"""What the source itself has: reported where a dump cannot carry it (B12, B13), and whole where it can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dbops.errors import DbopsError
from dbops.model import Severity
from tests.fault.copies import restored, same
from tests.fault.support import no_sessions, only, run, target, verified
from tests.installations import Installation
from tests.servers import Cluster, Database

both_jobs = pytest.mark.parametrize("jobs", [1, 2])


def findings(database: Database, store: Path) -> dict[str, str]:
    made = run(target(database.url, jobs=1, inventory="counts"), store)
    assert all(finding.hint and finding.actual for finding in made.findings)
    return {finding.id: finding.subject for finding in made.findings if finding.severity is Severity.WARNING}


def test_a_plain_database_has_no_findings(database: Database, tmp_path: Path) -> None:
    database.psql("CREATE TABLE t (a int PRIMARY KEY CHECK (a > 0)); CREATE MATERIALIZED VIEW m AS SELECT 1 AS a")
    assert findings(database, tmp_path) == {}


def test_an_unlogged_table(database: Database, tmp_path: Path) -> None:
    database.psql('CREATE UNLOGGED TABLE "Fast" (a int); INSERT INTO "Fast" VALUES (1)')
    assert findings(database, tmp_path) == {"unlogged-table": 'public."Fast"'}


def test_an_index_whose_build_failed(database: Database, tmp_path: Path) -> None:
    database.psql("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)")
    with database.connect() as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON t (a)")
    assert findings(database, tmp_path) == {"invalid-index": "public.broken"}


def test_a_constraint_over_orphans(database: Database, tmp_path: Path) -> None:
    database.psql(
        "CREATE TABLE p (a int PRIMARY KEY); CREATE TABLE c (a int); INSERT INTO c VALUES (1);"
        "ALTER TABLE c ADD CONSTRAINT c_fk FOREIGN KEY (a) REFERENCES p NOT VALID"
    )
    assert findings(database, tmp_path) == {"constraint-not-valid": "c_fk ON public.c"}


def test_a_constraint_that_is_not_enforced_is_as_it_should_be(database: Database, tmp_path: Path) -> None:
    if database.cluster.major >= 18:
        database.psql("CREATE TABLE t (a int, CHECK (a > 0) NOT ENFORCED); INSERT INTO t VALUES (-1)")
    assert findings(database, tmp_path) == {}


def test_a_view_that_was_never_filled(database: Database, tmp_path: Path) -> None:
    database.psql("CREATE MATERIALIZED VIEW m AS SELECT 1 AS a WITH NO DATA")
    assert findings(database, tmp_path) == {"matview-not-populated": "public.m"}


ODD = r"""
    CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES;
    CREATE TABLE empty (a int);
    CREATE TABLE generated (a int, b int GENERATED ALWAYS AS (a * 2) STORED, c int GENERATED ALWAYS AS IDENTITY);
    INSERT INTO generated (a) SELECT generate_series(1, 100);
    CREATE TABLE only_generated (b int GENERATED ALWAYS AS (1) STORED); INSERT INTO only_generated DEFAULT VALUES;
    CREATE TABLE dropped (a int, gone int, b text); INSERT INTO dropped SELECT n, n, n FROM generate_series(1, 50) n;
    ALTER TABLE dropped DROP COLUMN gone; ALTER TABLE dropped ADD COLUMN late int DEFAULT 7;
    CREATE TABLE parent (a int); CREATE TABLE child (b int) INHERITS (parent);
    INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 3), (3, 4);
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); ALTER TYPE mood ADD VALUE 'so so' BEFORE 'ok';
    CREATE TABLE hashed (m mood, v int) PARTITION BY HASH (m);
    CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (modulus 2, remainder 0) PARTITION BY LIST (v);
    CREATE TABLE hashed_0d PARTITION OF hashed_0 DEFAULT;
    CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (modulus 2, remainder 1);
    INSERT INTO hashed SELECT (enum_range(NULL::mood))[1 + n % 3], n FROM generate_series(1, 300) n;
    CREATE TABLE ranged (k int, v text) PARTITION BY RANGE (k);
    CREATE TABLE ranged_0 PARTITION OF ranged FOR VALUES FROM (0) TO (10);
    CREATE TABLE ranged_d (v text, k int); ALTER TABLE ranged ATTACH PARTITION ranged_d DEFAULT;
    INSERT INTO ranged SELECT n % 20, n FROM generate_series(1, 200) n;
    CREATE SCHEMA one; CREATE SCHEMA two;
    CREATE TABLE one.x (a int); CREATE TABLE two.x (a int); CREATE TABLE public.x (a int);
    INSERT INTO one.x VALUES (1); INSERT INTO two.x VALUES (2), (3);
    CREATE TABLE one.hashed_1 (a int); INSERT INTO one.hashed_1 VALUES (5), (6);
    CREATE TABLE wide (a int, t text, b bytea);
    INSERT INTO wide SELECT n, repeat(md5(n::text), 100000), decode(repeat(md5(n::text), 50000), 'hex')
    FROM generate_series(1, 3) n;
    CREATE TABLE signs (t text);
    INSERT INTO signs VALUES (E'\\.'), (E'\n\\.\n'), (E'a\\nb'), (E'\r\n'), (E'\t'), (E'\x01\x1f\x7f'), (''), (NULL),
        ('\N'), ('COPY public.x (a) FROM stdin;'), (E'\\.\nCOPY public.x (a) FROM stdin;\n1\n\\.\n'), ('é 😀');
    SELECT lo_from_bytea(1000 + n, decode(repeat(md5(n::text), n * 20000), 'hex')) FROM generate_series(1, 5) n;
    SELECT lo_create(2000);
    CREATE SEQUENCE s MINVALUE -5 START -5 INCREMENT 3; SELECT nextval('s'), nextval('s');
    CREATE SEQUENCE untouched;
    DELETE FROM generated WHERE a % 7 = 0; UPDATE generated SET a = a + 1000 WHERE a % 5 = 0; VACUUM generated;
    INSERT INTO generated (a) SELECT generate_series(1, 30);
"""


@both_jobs
@pytest.mark.parametrize("level", ["archive", "content"])
def test_odd_tables_go_round(any_database: Database, tmp_path: Path, level: str, jobs: int) -> None:
    any_database.psql(ODD)
    if any_database.cluster.major >= 18:
        any_database.psql(
            "CREATE TABLE virtual (a int, b int GENERATED ALWAYS AS (a + 1)); INSERT INTO virtual VALUES (1)"
        )
    with any_database.connect() as session:
        session.execute("CREATE TEMPORARY TABLE passing (a serial); INSERT INTO passing DEFAULT VALUES")
        made = run(target(any_database.url, jobs=jobs, inventory=level), tmp_path)
    rows = {table.label: table.rows for table in made.inventory.tables}
    assert all(table.digest for table in made.inventory.tables), "none is only counted"
    assert rows["public.nothing"] == 2
    assert rows["public.hashed"] == 300
    assert (rows["one.x"], rows["two.x"], rows["public.x"]) == (1, 2, 0)
    assert not any("passing" in label for label in rows)
    assert made.inventory.large_objects.count == 6
    verified(tmp_path)
    if level == "content":
        copy = restored(made, tmp_path, any_database.cluster, any_database.name + "_copy")
        try:
            same(made, copy)
        finally:
            any_database.cluster.drop_database(copy.name)


# -- many tables -----------------------------------------------------------------------------------------------------


def many(cluster: Cluster, count: int) -> Database:
    cluster.create_database("many")
    database = Database(cluster, "many")
    for first in range(0, count, 50):  # a statement takes a lock for each table that it makes
        each = f"FOR n IN {first}..{min(first + 50, count) - 1} LOOP EXECUTE format('CREATE TABLE t%s (a int)', n);"
        database.psql(f"DO $$ BEGIN {each} END LOOP; END $$")
    database.psql("INSERT INTO t1 VALUES (1)")
    return database


@pytest.fixture(scope="module")
def narrow(installation: Installation) -> Iterator[Cluster]:
    with Cluster(installation, settings={"max_locks_per_transaction": "10", "max_connections": "20"}) as cluster:
        yield cluster


@both_jobs
def test_no_room_for_locks(narrow: Cluster, tmp_path: Path, jobs: int) -> None:
    database = many(narrow, 1000)
    try:
        with pytest.raises(DbopsError) as caught:
            run(target(database.url, jobs=jobs), tmp_path)
        assert caught.value.exit_code == 4
        assert "max_locks_per_transaction" in str(caught.value)
        only(tmp_path)
        no_sessions(database)
    finally:
        narrow.drop_database("many")


def test_room_for_some_locks(narrow: Cluster, tmp_path: Path) -> None:
    """Enough for the first of our sessions, not for all: whoever fails, the reason is named, and nothing is listed."""
    for count in (150, 250, 350):
        database = many(narrow, count)
        made = []
        try:
            made.append(run(target(database.url, name=f"n{count}", jobs=2), tmp_path / str(count)))
        except DbopsError as error:
            assert "max_locks_per_transaction" in f"{error} {error.hint}", str(error)  # noqa: PT017
        finally:
            no_sessions(database)
            narrow.drop_database("many")
        only(tmp_path / str(count), *made)


@both_jobs
def test_five_thousand_tables(pg_server: Cluster, tmp_path: Path, jobs: int) -> None:
    """With PostgreSQL's default settings."""
    database = many(pg_server, 5000)
    try:
        made = run(target(database.url, jobs=jobs), tmp_path)
        assert len(made.inventory.tables) == 5000
        assert made.rows == 1
        only(tmp_path, made)
    finally:
        pg_server.drop_database("many")


def test_partitions_beside_a_tree_that_is_hashed_by_an_enum(database: Database, tmp_path: Path) -> None:
    """pg_dump loads only what lies below the hashed one through the root; its siblings are tables of their own."""
    database.psql(
        """
        CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
        CREATE TABLE r (k int, m mood) PARTITION BY RANGE (k);
        CREATE TABLE a PARTITION OF r FOR VALUES FROM (0) TO (150);
        CREATE TABLE s PARTITION OF r FOR VALUES FROM (150) TO (300) PARTITION BY HASH (m);
        CREATE TABLE s1 PARTITION OF s FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE s2 PARTITION OF s FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        INSERT INTO r SELECT i, (ARRAY['sad', 'ok', 'happy'])[1 + i % 3]::mood FROM generate_series(0, 299) i;
        """
    )
    for jobs in (1, 2):
        made = run(target(database.url, jobs=jobs), tmp_path / str(jobs))
        assert {t.name: t.rows for t in made.inventory.tables} == {"a": 150, "r": 150}
        verified(tmp_path / str(jobs))
