"""An archive that does not hold a table's rows, or not in one piece, though pg_dump says 0 (B01)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops.engine.base import Content, TableKey
from dbops.engine.postgres.dump import Dump
from dbops.errors import BadBackupError
from dbops.ops.verify import compare
from tests.fault.support import only, run, target
from tests.servers import Database


@pytest.fixture
def busy(database: Database) -> Database:
    with database.connect() as connection:
        connection.execute("CREATE TABLE busy (id bigserial PRIMARY KEY, t text)")
        connection.execute("INSERT INTO busy (t) SELECT md5(n::text) FROM generate_series(1, 20000) n")
    return database


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("level", "held", "told"),
    [
        ("content", Content(20_000, ""), "public.busy: 20000 rows in both, but they stand in several parts"),
        ("content", None, "public.busy: 20000 rows in the source, not in the archive"),
        ("archive", None, "public.busy: 20000 rows in the source, not in the archive"),
        ("archive", Content(0, ""), "public.busy: 20000 rows in the source, 0 in the archive"),
    ],
)
def test_an_archive_without_a_tables_rows_is_found(
    busy: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int, level: str, held: Content, told: str
) -> None:
    """pg_dump left the rows out, or wrote them in parts, of which there is no digest; it ended with status 0."""
    original = Dump.run

    def run_dump(self: Dump, name: str) -> dict[TableKey, Content]:
        found = original(self, name)
        del found["public", "busy"]
        return found if held is None else found | {("public", "busy"): held}

    monkeypatch.setattr(Dump, "run", run_dump)
    with pytest.raises(BadBackupError) as caught:
        run(target(busy.url, jobs=jobs, inventory=level), tmp_path)
    assert caught.value.kind == "archive-differs"
    assert told in caught.value.message
    only(tmp_path)


def test_an_archive_that_holds_a_table_in_parts_has_no_digest_to_compare(busy: Database, tmp_path: Path) -> None:
    """As many rows as there were: `verify` may not pass over it."""
    made = run(target(busy.url), tmp_path)
    contents = {(table.schema, table.name): Content(table.rows, table.digest) for table in made.inventory.tables}
    assert list(compare(made, contents)) == []
    contents["public", "busy"] = Content(20_000, "")
    (found,) = compare(made, contents)
    assert (found.id, found.subject, found.severity) == ("table-content", f"{made.id}/public.busy", "error")
