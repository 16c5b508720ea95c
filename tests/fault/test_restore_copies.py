"""Faults R09, R11, R12: a copy that is not equal or not usable is never swapped in; no client commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops.engine.postgres.inplace import check_tools
from dbops.engine.postgres.tools import Tools
from dbops.errors import DbopsError, PreflightError
from dbops.model import Report, Verdict
from tests.restoring import (
    Backed,
    artifact,
    back_up,
    before_compare,
    changed,
    errors,
    fill,
    forged,
    run_restore,
    untouched,
)
from tests.servers import Database


@pytest.fixture
def shop(database: Database, tmp_store: str) -> Backed:
    fill(database)
    return back_up(database, tmp_store)


# -- R11, R12, and the rest of what a copy can lack -------------------------------------------------------------------

MUTATIONS = {
    "sequence behind (R11)": ("SELECT setval('invoices_id_seq', 5)", "invoices_id_seq"),
    "invalid index (R12)": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'invoices_customer'::regclass",
        "invoices_customer",
    ),
    "empty matview (R12)": ("REFRESH MATERIALIZED VIEW totals WITH NO DATA", "totals"),
    "detached partition (R12)": ("ALTER TABLE events DETACH PARTITION events_old", "events_old"),
    "constraint not valid (R12)": (
        "ALTER TABLE invoices DROP CONSTRAINT invoices_total_check;"
        "ALTER TABLE invoices ADD CONSTRAINT invoices_total_check CHECK (total >= 0) NOT VALID",
        "invoices_total_check",
    ),
    "missing table": ("DROP TABLE invoices CASCADE", "public.invoices"),
    "extra table": ("CREATE TABLE more (n int)", "public.more"),
    "missing row": ("DELETE FROM events WHERE what = 'event 7'", "event 7"),
    "duplicated row": ("INSERT INTO events SELECT * FROM events WHERE what = 'event 7'", "event 7"),
    "changed value": ("UPDATE invoices SET rate = rate + 1e-9 WHERE id = 17", "public.invoices id='17'"),
    "NULL to empty": (
        "ALTER TABLE customers DISABLE TRIGGER touch; UPDATE customers SET note = '' WHERE id = 5;"
        "ALTER TABLE customers ENABLE TRIGGER touch",
        "public.customers id='5'",
    ),
    "timestamp moved": ("UPDATE invoices SET paid_at = paid_at + interval '1 us' WHERE id = 3", "id='3'"),
    "swapped values": (
        "UPDATE events SET what = CASE what WHEN 'event 1' THEN 'event 2' ELSE 'event 1' END "
        "WHERE what IN ('event 1', 'event 2')",
        "event 1",
    ),
    "missing index": ("DROP INDEX invoices_customer", "invoices_customer"),
    "missing constraint": ("ALTER TABLE invoices DROP CONSTRAINT invoices_total_check", "invoices_total_check"),
    "missing trigger": ("DROP TRIGGER touch ON customers", "touch"),
    "disabled trigger": ("ALTER TABLE customers DISABLE TRIGGER touch", "touch"),
    "missing function": ("DROP FUNCTION touch CASCADE", "touch"),
    "missing view": ("DROP VIEW open_invoices", "open_invoices"),
    "changed view": (
        "CREATE OR REPLACE VIEW open_invoices AS SELECT * FROM invoices WHERE paid_at IS NOT NULL",
        "open_invoices",
    ),
    "missing sequence": ("DROP SEQUENCE tickets", "tickets"),
    "missing grant": ("REVOKE SELECT ON invoices FROM PUBLIC", "invoices"),
    "missing comment": ("COMMENT ON TABLE invoices IS NULL", "invoices"),
    "missing default": ("ALTER TABLE customers ALTER mood DROP DEFAULT", "customers"),
    "missing policy": ("DROP POLICY everyone ON customers", "everyone"),
    "row security off": ("ALTER TABLE customers DISABLE ROW LEVEL SECURITY", "customers"),
    "missing large object": ("SELECT lo_unlink(4711)", "large objects"),
    "changed large object": ("SELECT lo_put(4711, 0, 'A')", "large objects"),
    "more enum values": ("ALTER TYPE mood ADD VALUE 'furious'", "mood"),
    "another owner": ("ALTER TABLE events_old OWNER TO pg_monitor", "events_old"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_r11_r12_a_copy_that_is_not_equal_is_never_swapped_in(
    shop: Backed, monkeypatch: pytest.MonkeyPatch, mutation: str
) -> None:
    script, named = MUTATIONS[mutation]
    before_compare(monkeypatch, lambda copy: copy.psql(script), shop.database.cluster)
    with untouched(shop.database):
        report = run_restore(shop)
    assert report.verdict is Verdict.FAIL
    assert any(named in f"{f.subject} {f.expected} {f.actual}" for f in errors(report)), errors(report)


def test_r12_an_invalid_index_of_the_source_is_a_warning(database: Database, tmp_store: str) -> None:
    fill(database)
    database.psql(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'invoices_customer'::regclass;"
        "COMMENT ON INDEX invoices_customer IS 'broken'"
    )
    report = run_restore(back_up(database, tmp_store))
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    assert any(f.id == "invalid-index" and "invoices_customer" in f.subject for f in report.findings)


def test_r11_a_sequence_that_was_behind_in_the_source_is_a_warning(database: Database, tmp_store: str) -> None:
    fill(database)
    database.psql("SELECT setval('invoices_id_seq', 5)")
    report = run_restore(back_up(database, tmp_store))
    assert report.verdict is Verdict.PASS
    assert [f.subject for f in report.findings if f.id == "sequence-behind"] == ["public.invoices_id_seq"]


def test_a_difference_from_an_unanchored_inventory_is_inconclusive(
    shop: Backed, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_compare(monkeypatch, lambda copy: copy.psql("DELETE FROM events"), shop.database.cluster)
    with untouched(shop.database):
        report: Report = run_restore(shop, manifest=changed(shop.manifest, basis="unanchored"))
    assert report.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("version", ["12.22", "15.13 (Debian 15.13-1)", "17.5", "17beta1"])
def test_r09_in_place_needs_a_pg_restore_that_forbids_client_commands(version: str) -> None:
    with pytest.raises(PreflightError, match="running commands"):
        check_tools(Tools(Path("bin"), int(version[:2]), version))


@pytest.mark.parametrize("version", ["13.22", "15.14", "17.6", "18beta3", "18.0", "19.1"])
def test_r09_newer_tools_are_taken(version: str) -> None:
    check_tools(Tools(Path("bin"), int(version[:2]), version))


def test_r09_a_database_sql_with_foreign_statements_is_refused(shop: Backed) -> None:
    with artifact(shop, "database.sql").open("a") as file:
        file.write("\\! touch /tmp/owned\n")
    with untouched(shop.database), pytest.raises(DbopsError) as error:
        run_restore(shop, manifest=forged(shop))
    assert error.value.kind == "bad-database-sql"
