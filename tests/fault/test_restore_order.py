"""What pg_restore's own order would change or refuse: rows that meet a trigger, a constraint or an event trigger."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops.engine.postgres.passes import passes
from dbops.engine.postgres.tools import for_server, installations
from dbops.model import Manifest, Verdict
from tests.restoring import back_up, errors, run_restore
from tests.servers import Database

PARTITIONED = """
CREATE TABLE audit (what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN INSERT INTO public.audit VALUES (TG_TABLE_NAME); RETURN NEW; END';
CREATE TABLE parted (n int, pad text) PARTITION BY RANGE (n);
SELECT format('CREATE TABLE parted_%s PARTITION OF parted FOR VALUES FROM (%s) TO (%s)', p, p * 1000, (p + 1) * 1000)
FROM generate_series(0, 7) p \\gexec
INSERT INTO parted SELECT n, repeat('x', 100) FROM generate_series(0, 7999) n;
ALTER TABLE parted ADD CONSTRAINT small CHECK (n < 10) NOT VALID;
CREATE TRIGGER note AFTER INSERT ON parted FOR EACH ROW EXECUTE FUNCTION note();
"""
NO_DDL = """
CREATE TABLE t (n int);
INSERT INTO t VALUES (1);
CREATE MATERIALIZED VIEW m AS SELECT n FROM t;
CREATE FUNCTION no_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no %', tg_tag; END$$;
CREATE EVENT TRIGGER no_ddl ON ddl_command_start EXECUTE FUNCTION no_ddl();
COMMENT ON EVENT TRIGGER no_ddl IS 'nobody changes this schema';
"""


def test_rows_of_partitions_meet_no_trigger_and_no_constraint_of_their_parent(
    database: Database, tmp_store: str
) -> None:
    database.psql(PARTITIONED)
    report = run_restore(back_up(database, tmp_store), jobs=4)
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])


@pytest.mark.parametrize(("jobs", "in_place"), [(1, False), (2, False), (1, True)])
def test_an_event_trigger_that_forbids_changes_does_not_forbid_a_refresh(
    database: Database, tmp_store: str, jobs: int, in_place: bool
) -> None:
    database.psql(NO_DDL)
    backed = back_up(database, tmp_store, jobs=jobs)

    def safety() -> Manifest:
        return back_up(database, tmp_store).manifest

    report = run_restore(backed, in_place=in_place, safety=safety if in_place else None)
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])


def test_indexes_of_partitions_of_partitions_are_attached_one_after_the_other(
    database: Database, tmp_store: str
) -> None:
    database.psql(
        "CREATE TABLE top (a int, b int, PRIMARY KEY (a, b)) PARTITION BY RANGE (a);"
        "CREATE TABLE middle PARTITION OF top FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (b);"
        "CREATE TABLE leaf PARTITION OF middle FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE other PARTITION OF top DEFAULT;"
        "CREATE TABLE child (a int, b int, FOREIGN KEY (a, b) REFERENCES top)"
    )
    backed = back_up(database, tmp_store, jobs=2)
    report = run_restore(backed)
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    folder = Path(tmp_store.removeprefix("file://")) / "shop" / backed.manifest.id / f"backup_{backed.manifest.id}"
    tools = for_server(database.cluster.major, installations(None))
    assert [part.parallel for part in passes(tools, folder, parallel=True)] == [True, True, False, True]
    assert [part.entries for part in passes(tools, folder, parallel=False)] == [None]
