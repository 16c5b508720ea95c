"""The manifest is the commit mark: it never outlives its artifacts, whatever fails around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.errors import StoreError
from dbops.ops.backup import backup
from dbops.progress import Silent
from dbops.store.local import LocalStore
from tests.fault.support import only, run, target
from tests.servers import Database


class Forgetful(LocalStore):
    """Takes a manifest and then cannot be asked for it, as when the network goes."""

    def read(self, key: str) -> Iterator[bytes]:
        if key.endswith("manifest.json"):
            raise StoreError(f"{key}: the connection was lost")
        yield from super().read(key)


def test_a_manifest_that_does_not_read_back_leaves_no_backup(database: Database, tmp_path: Path) -> None:
    database.psql("CREATE TABLE t AS SELECT 1 AS a")
    older = run(target(database.url), tmp_path)
    chosen = target(database.url)
    with pytest.raises(StoreError):
        backup(app.open_engine(chosen), Catalog(Forgetful(tmp_path)), chosen, clock=app.now, progress=Silent())
    only(tmp_path, older)


def test_an_unreadable_manifest_does_not_hide_the_other_backups(database: Database, tmp_path: Path) -> None:
    """The newest one cannot be read (a bad sector): the others are listed, and a new backup can be made."""

    class BadSector(LocalStore):
        def read(self, key: str) -> Iterator[bytes]:
            if newest.id in key:
                raise StoreError(f"{key}: input/output error")
            yield from super().read(key)

    database.psql("CREATE TABLE t AS SELECT 1 AS a")
    older, newest = run(target(database.url), tmp_path), run(target(database.url), tmp_path)
    catalog = Catalog(BadSector(tmp_path))
    assert catalog.latest("shop").id == older.id
    assert {item.id: item.state for item in catalog.list("shop")} == {older.id: "ok", newest.id: "broken"}
    chosen = target(database.url)
    made = backup(app.open_engine(chosen), catalog, chosen, clock=app.now, progress=Silent())
    assert made.id > newest.id
