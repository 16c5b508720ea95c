"""Makes what a dump defines, in a form in which its rows come in fast and nothing acts: without the indexes and foreign
keys that come later, with events disabled, with a definer that the server takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pymysql

from dbops.engine.mysql import ddl
from dbops.engine.mysql.connect import flavour
from dbops.engine.mysql.driver_errors import error_of
from dbops.engine.mysql.load_errors import of_definition
from dbops.engine.mysql.script import Kind
from dbops.engine.mysql.statements import identifier
from dbops.engine.mysql.view_text import CANNOT_OPEN, NO_DATABASE
from dbops.engine.restoring import Wishes
from dbops.errors import DatabaseError
from dbops.model import Manifest

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_LARGE_ROWS = 20_000
"""From here on an index is made afterwards: below, the statement costs more than it saves."""
_DEFINER_REFUSED = (1227, 1449, 1356)
_NOT_THERE = {
    NO_DATABASE: re.compile(r"Unknown database '(.*)'", re.DOTALL),
    1146: re.compile(r"Table '(.*)' doesn't exist", re.DOTALL),
    1305: re.compile(r"(?:FUNCTION|PROCEDURE) (.*) does not exist", re.DOTALL),
}
_NO_PARENT_KEY = (1005, 1215, 1822, 1825, 6125)


class Definitions:
    """Those of one load into `database`. `where`, in its methods: the place in the dump, for people."""

    def __init__(self, database: str, manifest: Manifest, wishes: Wishes) -> None:
        self.events: dict[str, str] = {}
        """The state that each event is to have: it is made disabled."""
        self.replaced: dict[str, list[str]] = {}
        """Definer that the server did not take -> what has another one for it."""
        self.not_made: dict[str, str] = {}
        """Views that select from what another database does not have here -> what the server said."""
        self.elsewhere: set[str] = set()
        """Tables whose files are not in the directory or tablespace that the source has them in."""
        self._wishes = wishes
        self._database = database
        self._source = manifest.engine.database
        self._tables = {table.name: table for table in manifest.inventory.tables}
        self._large = any(table.rows >= _LARGE_ROWS for table in manifest.inventory.tables)
        self._keys: dict[str, tuple[str, ...]] = {}
        self._foreign: dict[str, tuple[str, ...]] = {}
        self._identifiers: dict[str, set[str]] = {}

    def create_table(self, connection: Connection, name: str, text: str, where: str) -> None:
        """Creates a table, without what comes later."""
        text = ddl.without_low_mark(ddl.requalified(text, self._source, self._database))
        anywhere = ddl.without_places(text)
        if anywhere != text and self._keeps_places(connection):
            # A server that does not have, or know, the place, or already has such a file in it, refuses the table.
            try:
                self._create_table(connection, name, text, where)
            except DatabaseError as error:
                if error.kind in ("connection-lost", "server-lost"):
                    raise
            else:
                return
        if anywhere != text:
            self.elsewhere.add(name)
        self._create_table(connection, name, anywhere, where)

    def _keeps_places(self, connection: Connection) -> bool:
        """What a throw-away server leaves in a place outside its folder, nobody would remove. And where MariaDB renames
        such a table into another database, it leaves a file that DROP DATABASE does not remove (10.11, 11.8)."""
        if self._wishes.throw_away:
            return False
        return self._wishes.in_place or flavour(connection).name != "mariadb"

    def _create_table(self, connection: Connection, name: str, text: str, where: str) -> None:
        self._identifiers[name] = ddl.identifiers(text)
        table = self._tables.get(name)
        if self._large:
            # Foreign keys of all tables: else making a small one waits until the large one that it refers to is full.
            split = ddl.split_table(text, keys=table is not None and table.rows >= _LARGE_ROWS)
        else:
            split = ddl.Table(text, (), ())
        # Where a foreign key asks for an index that comes later: without putting indexes off, then without the key.
        whole, unbound = ddl.Table(text, (), ()), ddl.split_table(text, keys=False)
        for attempt in dict.fromkeys((split, whole, unbound)):
            try:
                connection.query(attempt.create)
            except pymysql.MySQLError as error:
                if error_of(error)[0] in _NO_PARENT_KEY and attempt != unbound:
                    continue
                raise of_definition(error, f"CREATE TABLE {name}", where) from None
            self._keys[name], self._foreign[name] = attempt.keys, attempt.foreign
            return

    def define(self, connection: Connection, kind: Kind, name: str, text: str, where: str) -> None:
        """Creates a view, a trigger, a routine or an event."""
        if kind is Kind.CREATE_VIEW:
            text = ddl.requalified(text, self._source, self._database)
        elif kind is Kind.CREATE_TRIGGER:
            text = ddl.trigger_moved(text, self._source, self._database)
        elif kind in (Kind.CREATE_FUNCTION, Kind.CREATE_PROCEDURE):
            text = ddl.libraries_moved(text, self._source, self._database)
        elif kind is Kind.CREATE_EVENT:
            text, self.events[name] = ddl.disabled(text)
        if self._wishes.no_owner:
            text = ddl.without_definer(text)
        what = f"{kind.replace('-', ' ')} {name}"
        try:
            connection.query(text)
        except pymysql.MySQLError as error:
            account, refused = ddl.definer(text), error
            if account is not None and error_of(error)[0] in _DEFINER_REFUSED:
                try:
                    connection.query(ddl.without_definer(text))
                except pymysql.MySQLError as again:
                    refused = again
                else:
                    self.replaced.setdefault(ddl.account(account), []).append(name)
                    return
            if kind is not Kind.CREATE_VIEW or not self._lacks_others(refused):
                raise of_definition(refused, what, where) from None
            self.not_made[name] = " ".join(error_of(refused)[1].split())

    def _lacks_others(self, error: Exception) -> bool:
        """Whether a view fails for what is not in this database: another one, its table or routine, or a view of this
        one that was not made for that reason."""
        number, said = error_of(error)
        if number == CANNOT_OPEN:
            return bool(self.not_made)
        pattern = _NOT_THERE.get(number)
        if pattern is None or (match := pattern.search(said)) is None:
            return False
        what = match[1].casefold()
        if number == NO_DATABASE:
            return what not in (self._database.casefold(), self._source.casefold())
        for own in (self._database, self._source):
            if what.startswith(f"{own}.".casefold()):
                return what[len(own) + 1 :] in {name.casefold() for name in self.not_made}
        return True

    def names_in(self, table: str) -> set[str]:
        """Names of the table's columns and keys."""
        return self._identifiers.get(table, set())

    def after_rows(self, table: str) -> tuple[str, ...]:
        """What makes the indexes that were put off, once the table has its rows; asked for once."""
        keys, self._keys[table] = self._keys.get(table, ()), ()
        return _added(table, keys)

    def at_the_end(self) -> Iterator[tuple[str, str]]:
        """(table, statement): the indexes of tables without rows, then all foreign keys."""
        for left in (self._keys, self._foreign):
            for table, keys in list(left.items()):
                for text in _added(table, keys):
                    yield table, text


def _added(table: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    return (f"ALTER TABLE {identifier(table)} {', '.join(f'ADD {key}' for key in keys)}",) if keys else ()
