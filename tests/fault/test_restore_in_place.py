"""In place, once the new content is committed: whatever goes wrong after that, the old one is put back, whole."""

from __future__ import annotations

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
    database.psql("REASSIGN OWNED BY keeper TO postgres; DROP OWNED BY keeper; DROP ROLE IF EXISTS keeper")


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
