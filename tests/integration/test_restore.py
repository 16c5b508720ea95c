"""A restore over real servers: what comes back is what was there, and the old database can be had again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dbops import app
from dbops.engine.postgres.names import BEFORE, beside, moment_of
from dbops.engine.restoring import Aside
from dbops.errors import NothingToCheckError, ToolError
from dbops.model import Manifest, Report, Severity, Verdict
from dbops.ops import restore_aside
from dbops.progress import Silent
from tests.inputs import contents
from tests.restoring import Backed, back_up, before_compare, databases, errors, fill, run_restore
from tests.servers import Cluster, Database

HOSTILE = [
    "a \"b\" 'c' $d; -- %e/f?g é",
    "-leading dash",
    "100%s %(x)s {} %I",
    "with_restore_20261124T024500Z",
    "é" * 31,
    "x" * 63,
    "line\nend",
]


@pytest.fixture
def shop(database: Database, tmp_store: str) -> Backed:
    fill(database)
    return back_up(database, tmp_store)


def _undo(backed: Backed) -> Report:
    return restore_aside.undo(
        app.open_engine(backed.target).restorer(),
        "shop",
        backed.target.app,
        end_sessions=False,
        clock=app.now,
        progress=Silent(),
        confirm=lambda _: True,
    )


def _drop_old(backed: Backed, confirm: Callable[[list[Aside]], bool] = lambda _: True) -> Report:
    restorer = app.open_engine(backed.target).restorer()
    return restore_aside.drop_old(restorer, "shop", progress=Silent(), confirm=confirm)


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_was_damaged_is_whole_again_on_every_major(any_database: Database, tmp_store: str, jobs: int) -> None:
    fill(any_database)
    before = contents(any_database)
    backed = back_up(any_database, tmp_store, jobs=jobs)
    any_database.psql("DELETE FROM invoices; DROP VIEW open_invoices; DROP TABLE events; SELECT nextval('tickets')")
    report = run_restore(backed)
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    assert contents(any_database) == before
    assert any_database.psql("SELECT last_value FROM tickets").strip() == "100"
    old = report.provenance["old_database"]
    assert any_database.cluster.psql("SELECT count(*) FROM invoices", old).strip() == "0"
    _drop_old(backed)
    assert old not in databases(any_database.cluster)


@pytest.mark.parametrize("level", ["counts", "archive"])
def test_other_inventories_restore_too_and_say_what_was_not_compared(
    database: Database, tmp_store: str, level: str
) -> None:
    fill(database)
    report = run_restore(back_up(database, tmp_store, inventory=level))
    assert report.verdict is Verdict.PASS
    skipped = {item.id for item in report.not_evaluated}
    assert ("table-content" in skipped) is (level == "counts")


def test_undo_brings_the_old_database_back_and_keeps_the_restored_one(shop: Backed) -> None:
    shop.database.psql("CREATE TABLE written_since (n int)")
    run_restore(shop)
    assert "written_since" not in str(contents(shop.database))
    report = _undo(shop)
    assert report.verdict is Verdict.PASS
    assert "written_since" in str(contents(shop.database))
    assert any(f"{shop.database.name}_undone_" in name for name in databases(shop.database.cluster))
    with pytest.raises(NothingToCheckError) as caught:
        _undo(shop)
    assert f"the restored database is {shop.database.name}_undone_" in caught.value.hint


def _stopped_at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def test_restores_in_one_second_or_with_a_clock_set_back_stand_apart_and_undo_takes_the_newest(shop: Backed) -> None:
    now = datetime(2026, 11, 24, 2, 45, tzinfo=UTC)
    for number, moment in enumerate((now, now, now - timedelta(days=1))):
        shop.database.psql(f"CREATE TABLE before_restore_{number} (n int)")
        run_restore(shop, clock=_stopped_at(moment))
    name = shop.database.name
    ours = sorted(each for each in databases(shop.database.cluster) if each.startswith(f"{name}_before_"))
    assert ours == [f"{name}_before_20261124T02450{second}Z" for second in range(3)]
    _undo(shop)
    assert "before_restore_2" in str(contents(shop.database))
    _drop_old(shop)


def test_drop_old_drops_what_undo_has_left_and_nothing_else(shop: Backed) -> None:
    name, cluster = shop.database.name, shop.database.cluster
    others = {f"{name}_copy_undone_20260101T000000Z", f"{name}_restore_20260101T000000Z", f"{name}_undone"}
    for other in others:
        cluster.create_database(other)
    run_restore(shop)
    _undo(shop)
    run_restore(shop)
    ours = {each for each in databases(cluster) if each.startswith(name)} - others - {name}
    assert sorted(each.removeprefix(name)[:8] for each in ours) == ["_before_", "_undone_"]
    shown: list[set[str]] = []

    def decline(asides: list[Aside]) -> bool:
        shown.append({aside.name for aside in asides})
        return False

    assert _drop_old(shop, decline).findings == ()
    assert shown == [ours]
    assert ours <= databases(cluster), "it was not agreed to"
    assert {finding.subject for finding in _drop_old(shop).findings} == ours
    assert {each for each in databases(cluster) if each.startswith(name)} == {name} | others
    run_restore(shop)
    _undo(shop)
    assert [finding.id for finding in _drop_old(shop).findings] == ["dropped"], "there is none of the other kind"
    with pytest.raises(NothingToCheckError):
        _drop_old(shop)
    for other in others:
        cluster.drop_database(other)


def test_into_another_name_leaves_the_original_alone(shop: Backed) -> None:
    shop.database.psql("DELETE FROM events")
    cluster, name = shop.database.cluster, f"{shop.database.name}_copy"
    report = run_restore(shop, into=name)
    assert report.verdict is Verdict.PASS
    assert report.provenance["old_database"] == ""
    assert cluster.psql("SELECT count(*) FROM events", name).strip() == "400"
    assert shop.database.psql("SELECT count(*) FROM events").strip() == "0"
    cluster.drop_database(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(pg_server: Cluster, tmp_store: str, name: str) -> None:
    pg_server.create_database(name)
    database = Database(pg_server, name)
    database.psql('CREATE TABLE "t ""x"" %s" ("a b" int); INSERT INTO "t ""x"" %s" VALUES (1), (2)')
    database.psql("ALTER ROLE postgres IN DATABASE \"{}\" SET work_mem = '5MB'".format(name.replace('"', '""')))
    backed = back_up(database, tmp_store)
    database.psql('DELETE FROM "t ""x"" %s"')
    report = run_restore(backed)
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    assert database.psql('SELECT count(*) FROM "t ""x"" %s"').strip() == "2"
    old = report.provenance["old_database"]
    assert moment_of(old, name, BEFORE)
    assert _drop_old(backed).verdict is Verdict.PASS
    assert old not in databases(pg_server)
    pg_server.drop_database(name)


def test_long_names_stay_apart() -> None:
    moment = "20261124T024500Z"
    one, other = beside("é" * 30 + "abc", BEFORE, moment), beside("é" * 30 + "abd", BEFORE, moment)
    assert one != other
    assert all(len(name.encode()) <= 63 for name in (one, other))
    assert moment_of(one, "é" * 30 + "abc", BEFORE) == moment
    assert moment_of(one, "é" * 30 + "abd", BEFORE) is None


def test_what_belongs_to_the_database_itself_comes_back(new_cluster: Callable[..., Cluster], tmp_store: str) -> None:
    cluster = new_cluster()
    cluster.psql("CREATE ROLE owner_of_shop; CREATE ROLE reader")
    cluster.create_database("shop")
    database = Database(cluster, "shop")
    database.psql(
        "CREATE TABLE t (n int); ALTER DATABASE shop OWNER TO owner_of_shop;"
        "GRANT CONNECT ON DATABASE shop TO reader; ALTER DATABASE shop SET search_path = 'a b', public;"
        "ALTER DATABASE shop SET default_transaction_read_only = on;"
        "ALTER ROLE reader IN DATABASE shop SET work_mem = '7MB'; ALTER DATABASE shop CONNECTION LIMIT 0;"
        "COMMENT ON DATABASE shop IS E'it''s\\\\ the\\nshop'"
    )
    query = (
        "SELECT pg_get_userbyid(datdba), ARRAY(SELECT a::text FROM unnest(datacl) a ORDER BY 1), datconnlimit,"
        " shobj_description(d.oid, 'pg_database'),"
        " (SELECT array_agg(s ORDER BY setrole) FROM pg_db_role_setting s WHERE setdatabase = d.oid)::text !~ 'x'"
        " FROM pg_database d WHERE datname = 'shop'"
    )
    before = cluster.psql(query)
    report = run_restore(back_up(database, tmp_store))
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    assert cluster.psql(query) == before


def test_another_owner(new_cluster: Callable[..., Cluster], database: Database, tmp_store: str) -> None:
    """A plain role that may create databases restores on a server that has none of the roles."""
    database.psql("CREATE TABLE t (n int); CREATE ROLE only_here; ALTER TABLE t OWNER TO only_here")
    try:
        backed = back_up(database, tmp_store)
    finally:
        database.psql("ALTER TABLE t OWNER TO postgres; DROP ROLE only_here")
    cluster = new_cluster()
    report = run_restore(backed, cluster=cluster, no_owner=True)
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    assert "owners-and-grants" in {item.id for item in report.not_evaluated}


@pytest.mark.parametrize("majors", [(15, 18), (17, 15), (18, 17)], ids=str)
def test_another_major(new_cluster: Callable[..., Cluster], tmp_store: str, majors: tuple[int, int]) -> None:
    source, destination = new_cluster(majors[0]), new_cluster(majors[1])
    source.create_database("shop")
    database = Database(source, "shop")
    fill(database)
    before = contents(database)
    report = run_restore(back_up(database, tmp_store), cluster=destination)
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    assert contents(Database(destination, "shop")) == before
    assert ("older-server" in {f.id for f in report.findings}) is (majors[0] > majors[1])


def test_rows_in_another_order_are_equal(shop: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    def reorder(copy: Database) -> None:
        copy.psql("CLUSTER invoices USING invoices_customer; ALTER TABLE invoices SET WITHOUT CLUSTER")

    before_compare(monkeypatch, reorder, shop.database.cluster)
    report = run_restore(shop)
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    assert [(f.subject, f.severity) for f in report.findings if f.id == "row-order"] == [
        ("public.invoices", Severity.INFO)
    ]


def test_a_dry_run_changes_nothing(shop: Backed) -> None:
    before = databases(shop.database.cluster)
    seen: list[Any] = []

    def confirm(plan: Any) -> bool:
        seen.append(plan)
        return False

    report = run_restore(shop, confirm=confirm)
    assert report.provenance["dry_run"]
    assert databases(shop.database.cluster) == before
    [plan] = seen
    assert plan.destination.exists
    assert plan.destination.rows > 4000
    assert 0 <= plan.age_seconds < 600


# -- in place ----------------------------------------------------------------------------------------------------------


def _safety(backed: Backed) -> Callable[[], Manifest]:
    return lambda: back_up(backed.database, backed.catalog.store.url, jobs=backed.target.jobs).manifest


@pytest.mark.parametrize("jobs", [1, 2])
def test_in_place_on_every_major(any_database: Database, tmp_store: str, jobs: int) -> None:
    fill(any_database)
    any_database.psql("CREATE SCHEMA other; CREATE TABLE other.t (n int); CREATE EXTENSION IF NOT EXISTS plpgsql")
    before = contents(any_database)
    backed = back_up(any_database, tmp_store, jobs=jobs)
    any_database.psql(
        "DELETE FROM invoices; CREATE SCHEMA more; CREATE TABLE more.t (n int);"
        "GRANT CREATE ON SCHEMA public TO PUBLIC;"
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE pair AS (a int, b int);"
        "CREATE DOMAIN short AS text CHECK (length(value) < 5); CREATE AGGREGATE s (int) (sfunc = int4pl, stype = int);"
        "CREATE OPERATOR === (leftarg = int, rightarg = int, function = int4eq); SELECT lo_from_bytea(0, 'more');"
    )
    report = run_restore(backed, in_place=True, safety=_safety(backed))
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    assert contents(any_database) == before
    assert len(list(backed.catalog.backups("shop"))) == 2


def test_in_place_puts_the_old_content_back_if_the_new_one_is_not_equal(
    shop: Backed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.database.psql("DELETE FROM invoices WHERE id > 100")
    before = contents(shop.database)
    before_compare(monkeypatch, lambda copy: copy.psql("DELETE FROM events"), shop.database.cluster)
    report = run_restore(shop, in_place=True, safety=_safety(shop))
    assert report.verdict is Verdict.FAIL
    told = {finding.id: finding.actual for finding in report.findings}
    assert "not-restored" in told, told.get("not-put-back")
    monkeypatch.undo()
    assert contents(shop.database) == before


@pytest.mark.parametrize("then", ["", "CREATE SCHEMA public", "DROP SCHEMA public CASCADE"])
def test_in_place_with_and_without_the_schema_public(database: Database, tmp_store: str, then: str) -> None:
    database.psql("CREATE SCHEMA app; CREATE TABLE app.t (n int); INSERT INTO app.t VALUES (1)")
    database.psql("CREATE TABLE t (n int)" if then.startswith("DROP") else "DROP SCHEMA public")
    backed = back_up(database, tmp_store)
    database.psql(then)
    report = run_restore(backed, in_place=True, safety=_safety(backed))
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])


def test_an_index_that_a_restore_in_parallel_has_left_invalid(database: Database, tmp_store: str) -> None:
    """Every partition has a valid one: the copy's is valid, and no worse."""
    database.psql(
        "CREATE TABLE parted (n int) PARTITION BY RANGE (n); CREATE TABLE part PARTITION OF parted DEFAULT;"
        "CREATE INDEX i ON parted (n); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass"
    )
    report = run_restore(back_up(database, tmp_store))
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])


@pytest.mark.parametrize("grants", ["", "GRANT ALL ON SCHEMA public TO public"])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_schema_public_that_was_dropped_and_made_again(
    database: Database, tmp_store: str, grants: str, in_place: bool
) -> None:
    database.psql(f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; {grants}; CREATE TABLE t (n int)")
    backed = back_up(database, tmp_store)
    report = run_restore(backed, in_place=in_place, safety=_safety(backed) if in_place else None)
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])


def test_in_place_default_privileges_do_not_reach_what_is_restored(database: Database, tmp_store: str) -> None:
    database.psql("CREATE TABLE t (n int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    backed = back_up(database, tmp_store)
    database.psql(
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor;"
        "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;"
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO pg_monitor"
    )
    report = run_restore(backed, in_place=True, safety=_safety(backed))
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])


def test_in_place_fails_whole(database: Database, tmp_store: str) -> None:
    database.psql(
        "CREATE TABLE a (n int); CREATE TABLE z (n int); INSERT INTO z VALUES (1);"
        "CREATE FUNCTION known(int) RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM z WHERE n = $1)';"
        "ALTER TABLE a ADD CHECK (known(n)); INSERT INTO a VALUES (1)"
    )
    backed = back_up(database, tmp_store)
    database.psql("CREATE TABLE since (n int)")
    before = contents(database)
    with pytest.raises(ToolError, match="rolled back"):
        run_restore(backed, in_place=True, safety=_safety(backed))
    assert contents(database) == before
