"""In place, once the new content is committed: whatever goes wrong after that, the old one is put back, whole."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.catalog import SAFETY
from dbops.engine.postgres.inplace import InPlace
from dbops.engine.restoring import Wishes
from dbops.errors import DatabaseError, NothingToCheckError, ToolError
from dbops.inventory.take import take
from dbops.model import Manifest, Verdict
from dbops.ops.backup import backup
from dbops.progress import Silent
from tests.restoring import Backed, back_up, changed, fill, forged, run_restore
from tests.servers import Database


@pytest.fixture
def shop(database: Database, tmp_store: str) -> Backed:
    """A backup, and a database that has gone on since: what is there now must not be lost."""
    fill(database)
    backed = back_up(database, tmp_store)
    database.psql("CREATE ROLE keeper; ALTER TABLE invoices OWNER TO keeper; DELETE FROM invoices WHERE id > 100")
    return backed


@pytest.fixture(autouse=True)
def _no_role_left(database: Database) -> Iterator[None]:
    yield
    database.psql(
        "SET default_transaction_read_only = off; REASSIGN OWNED BY keeper TO postgres;"
        "DROP OWNED BY keeper; DROP ROLE IF EXISTS keeper"
    )


def safety(backed: Backed) -> Callable[[], Manifest]:
    def made() -> Manifest:
        engine = app.open_engine(backed.target)
        result = backup(engine, backed.catalog, backed.target, clock=app.now, progress=Silent(), purpose=SAFETY)
        assert isinstance(result, Manifest)
        return result

    return made


def held(backed: Backed) -> tuple[set[tuple[str, int, str]], object]:
    """All that the live database holds: rows, content, objects, their owners and grants too."""
    with app.open_engine(backed.target).snapshot() as snapshot:
        inventory = take(snapshot, "content", 1, Silent())
    return {(table.label, table.rows, table.digest) for table in inventory.tables}, inventory.objects


def test_a_failure_after_the_commit_is_undone(shop: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    before = held(shop)
    failed: list[int] = []
    settle = InPlace.settle

    def broken(self: InPlace, database_sql: str, wishes: Wishes) -> None:
        if not failed:
            failed.append(1)
            with self._access.session() as connection:
                connection.execute("ALTER ROLE nobody_here SET x.y = 1")
        settle(self, database_sql, wishes)

    monkeypatch.setattr(InPlace, "settle", broken)
    with pytest.raises(DatabaseError) as caught:
        run_restore(shop, in_place=True, safety=safety(shop))
    assert "the content is again what the safety backup" in caught.value.hint
    assert held(shop) == before


def test_owners_are_put_back_whatever_was_wished_for_the_restore(shop: Backed) -> None:
    before = held(shop)
    wrong = changed(forged(shop), tables=tuple(shop.manifest.inventory.tables[1:]))
    report = run_restore(shop, manifest=wrong, in_place=True, no_owner=True, safety=safety(shop))
    assert report.verdict is Verdict.FAIL
    assert held(shop) == before


def belongings(database: Database) -> list[str]:
    """What belongs to the database itself, as pg_dump tells it."""
    tool = database.cluster.installation.tool("pg_dump")
    done = subprocess.run([tool, "-Cs", "-d", database.socket_url], capture_output=True, text=True, check=True)
    words = ("ALTER DATABASE", "ALTER ROLE", "GRANT", "REVOKE", "COMMENT ON DATABASE")
    return sorted(line for line in done.stdout.splitlines() if line.startswith(words) and database.name in line)


@pytest.mark.parametrize("given", [False, True], ids=["nothing", "something"])
def test_what_belongs_to_the_database_itself_comes_with_the_content_and_nothing_else_stays(
    shop: Backed, tmp_store: str, monkeypatch: pytest.MonkeyPatch, given: bool
) -> None:
    """In the same commit: a restore that is killed right after it leaves nothing half."""
    database = shop.database
    if given:
        database.psql(
            f"ALTER DATABASE {database.name} SET default_transaction_read_only = on;"
            f"ALTER DATABASE {database.name} SET app.words = E'it''s %I \\\\ é';"
            f"ALTER DATABASE {database.name} CONNECTION LIMIT 30; "
            f"COMMENT ON DATABASE {database.name} IS E'it''s the shop é\\n\\\\';"
            f"ALTER ROLE keeper IN DATABASE {database.name} SET work_mem = '2MB';"
            f"GRANT CREATE ON DATABASE {database.name} TO keeper WITH GRANT OPTION"
        )
    backed, good = back_up(database, tmp_store), belongings(database)
    database.psql(
        f"SET default_transaction_read_only = off; ALTER DATABASE {database.name} SET temp_buffers = '1MB';"
        f"ALTER DATABASE {database.name} CONNECTION LIMIT 20; COMMENT ON DATABASE {database.name} IS 'another';"
        f"ALTER ROLE keeper IN DATABASE {database.name} SET temp_buffers = '1MB';"
        f"ALTER ROLE postgres IN DATABASE {database.name} SET temp_buffers = '1MB';"
        f"GRANT CREATE ON DATABASE {database.name} TO pg_monitor; REVOKE ALL ON DATABASE {database.name} FROM PUBLIC"
    )
    seen: list[list[str]] = []
    analyze = InPlace.analyze

    def after_the_commit(self: InPlace, jobs: int) -> None:
        seen.append(belongings(database))
        analyze(self, jobs)

    monkeypatch.setattr(InPlace, "analyze", after_the_commit)
    report = run_restore(backed, in_place=True, safety=safety(backed))
    assert report.verdict is Verdict.PASS, report.findings
    assert seen == [good]
    assert belongings(database) == good


def test_a_second_run_restores_the_same_backup(shop: Backed, tmp_path: Path) -> None:
    """The first run's safety backup is newer than the backup, and is not what `latest` means."""
    assert run_restore(shop, in_place=True, safety=safety(shop)).verdict is Verdict.PASS
    assert shop.catalog.latest("shop").id == shop.manifest.id
    assert [m.purpose for m in shop.catalog.backups("shop")] == [SAFETY, "routine"]
    shop.catalog.store.delete(shop.catalog.key("shop", shop.manifest.id, "manifest.json"))
    with pytest.raises(NothingToCheckError, match="no usable backup"):
        shop.catalog.latest("shop")


@pytest.mark.parametrize(("jobs", "in_place"), [(1, False), (2, False), (1, True)])
def test_rows_that_the_source_held_against_a_key_are_told_and_all_stays_as_it_was(
    shop: Backed, tmp_store: str, jobs: int, in_place: bool
) -> None:
    """In place, too: pg_restore commits by itself around large objects, if it is not told of the transaction."""
    shop.database.psql("SET session_replication_role = replica; DELETE FROM customers WHERE id = 7")
    backed = back_up(shop.database, tmp_store, jobs=jobs)
    shop.database.psql("DELETE FROM invoices WHERE id > 50")
    before = held(shop)
    with pytest.raises(ToolError) as caught:
        run_restore(backed, in_place=in_place, safety=safety(backed) if in_place else None)
    assert held(shop) == before
    assert caught.value.kind == "rows-violate"
    query = "SELECT customer_id FROM ONLY public.invoices WHERE (customer_id) IS NOT NULL"
    query += " EXCEPT SELECT id FROM public.customers"
    assert query in caught.value.hint
    assert shop.database.psql(query) == "7\n"
