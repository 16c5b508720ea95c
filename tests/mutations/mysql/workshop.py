"""Makes a good backup of MySQL or MariaDB, mutates it, and drills what came of it."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from dbops import app
from dbops.config import StoreConfig
from dbops.model import Manifest, Report
from tests.mutations.bench import RunningServer, drill_on
from tests.mysql_restoring import Backed, back_up
from tests.mysql_servers import MysqlServer

FOLDER = Path(__file__).parent
NAME = "workshop"
SETTINGS = {"event-scheduler": "OFF"}
"""As sandboxes are: only where no event can run do events get the state that they had."""
LAX = "SET NAMES utf8mb4; SET sql_mode = '', time_zone = '+00:00';\n"
ACCOUNTS = ("'owner'@'%'", "'reader'@'%'")
GRANTS = (
    f"GRANT SELECT, INSERT ON {NAME}.* TO 'reader'@'%'",
    f"GRANT UPDATE (note), DELETE ON {NAME}.customers TO 'reader'@'%'",
    f"GRANT SELECT ON {NAME}.events TO 'reader'@'%'",
    f"GRANT SELECT ON {NAME}.customers TO 'owner'@'%'",
    f"GRANT EXECUTE ON PROCEDURE {NAME}.tidy TO 'reader'@'%'",
)


MOVED = (
    "UPDATE invoices SET total = total + 1 WHERE id MOD 3 = 0; DELETE FROM invoices WHERE id MOD 7 = 0; "
    "DELETE FROM invoices WHERE id > 380; DELETE FROM counted; OPTIMIZE TABLE events; ANALYZE TABLE customers"
)


class Workshop:
    """One server: sources are made on it under one name, backed up and dropped, and drilled there under that name."""

    def __init__(self, server: MysqlServer, folder: Path) -> None:
        self.server = server
        self._folder = folder
        parts = ("source.sql", f"source_{server.kind}.sql")
        self._script = "".join((FOLDER / part).read_text(encoding="utf-8") for part in parts)
        self._sandbox = RunningServer(server.socket_url, server.kind, server.version)

    @contextmanager
    def source(self, *scripts: str) -> Iterator[MysqlServer]:
        """The source, in which these scripts have run."""
        self._clear()
        accounts = (f"CREATE USER {account} IDENTIFIED BY {secrets.token_hex(8)!r}" for account in ACCOUNTS)
        self.server.execute(*accounts)
        self.server.create_database(NAME, "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        try:
            self.server.script(LAX + self._script, NAME)
            self.server.execute(*GRANTS)
            for script in scripts:
                self.server.script(LAX + script, NAME)
            yield self.server
        finally:
            self._clear()

    @cached_property
    def good(self) -> Backed:
        """A good backup. Its files are not to be changed: see `copied`."""
        return self.backup()

    @cached_property
    def parallel(self) -> Backed:
        """A good backup in several parts, of a source whose rows were moved about, and with gaps in AUTO_INCREMENT."""
        return self.backup(MOVED, jobs=2)

    def _clear(self) -> None:
        """Grants go with accounts, not with databases."""
        self.server.drop_database(NAME)
        self.server.execute(*(f"DROP USER IF EXISTS {account}" for account in ACCOUNTS))

    def backup(self, *scripts: str, **options: Any) -> Backed:
        """A good backup of the source, in a store of its own."""
        store = self._folder / secrets.token_hex(4)
        store.mkdir()
        with self.source(*scripts):
            return back_up(self.server, NAME, store, **{"jobs": 1, **options})

    def copied(self, good: Backed) -> Backed:
        """The backup in another store, whose files may be changed."""
        there = self._folder / secrets.token_hex(4)
        shutil.copytree(good.catalog.store.url.removeprefix("file://"), there)
        return good._replace(catalog=app.open_catalog(StoreConfig(url=there.as_uri())))

    def mutated(self, good: Backed, *scripts: str) -> Backed:
        """A backup of the source after the scripts, with the good backup's inventory: hashes and sizes are right."""
        return with_inventory(self.backup(*scripts), good.manifest)

    def drill(self, backed: Backed, manifest: Manifest | None = None, *, no_owner: bool = False) -> Report:
        try:
            return drill_on(self._sandbox, backed, manifest, no_owner=no_owner)
        finally:
            self._clear()

    def drill_changed(self, backed: Backed, change: Callable[[str], object]) -> Report:
        """The drill of a backup, in which `change` is called with the copy's name before it is compared."""
        try:
            return drill_on(self._sandbox, backed, change=change)
        finally:
            self._clear()

    def drill_mutated_copy(self, backed: Backed, *scripts: str) -> Report:
        """The drill of a good backup, in whose restored copy the scripts run before it is compared."""

        def change(name: str) -> None:
            for script in scripts:
                self.server.script(LAX + script, name)

        return self.drill_changed(backed, change)


def with_inventory(backed: Backed, manifest: Manifest) -> Backed:
    """The backup with a manifest that has the inventory of another one."""
    mixed = msgspec.structs.replace(backed.manifest, inventory=manifest.inventory)
    backed.catalog.publish(mixed)
    return backed._replace(manifest=mixed)
