"""The tables of a database as they stood when a moment was opened: no snapshot of InnoDB holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dbops.engine.base import Reading, TableRef
from dbops.engine.mysql.columns import PERIOD_COLUMNS, Column
from dbops.engine.mysql.flavour import Version, flavour_of, parse_version
from dbops.engine.mysql.statements import identifier, statement
from dbops.errors import DatabaseError
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

HISTORY_SINCE = Version(10, 11)
_VERSIONED = "SYSTEM VERSIONED"


class Schema(NamedTuple):
    """Tables whose rows a dump holds, largest first, and the columns of each by name, in their order."""

    tables: tuple[TableRef, ...]
    columns: dict[str, dict[str, Column]]
    without_history: tuple[str, ...]
    """Tables with system versioning, of which a dump has the current rows only."""

    def of(self, table: TableRef) -> list[Column]:
        """The columns of `table.columns`. `DatabaseError` where there is no such table or column."""
        known = self.columns.get(table.name, {})
        missing = [name for name in table.columns if name not in known]
        if missing or table.name not in self.columns:
            what = msg("no column {missing}", missing=missing[0]) if missing else msg("no such table")
            raise DatabaseError(msg("reading {table}: {what}", table=table.label, what=what), kind="no-such-column")
        return [known[name] for name in table.columns]

    def rows_of(self, table: TableRef) -> str:
        """`FROM …` of the rows that are meant: with their period's columns, also those that are history."""
        known = self.columns.get(table.name, {})
        history = any(known[name].period for name in table.columns if name in known)
        return f"FROM {identifier(table.name)}{' FOR SYSTEM_TIME ALL' if history else ''}"


def read_schema(connection: Connection, *, history: bool, hidden: str = "") -> Schema:
    """The tables of the connected database, of now, but for a `hidden` one. `history`: a dump holds former rows of
    system-versioned ones."""
    with connection.cursor() as cursor:
        cursor.execute(statement("columns"))
        columns: dict[str, dict[str, Column]] = {}
        for table, name, data_type, charset, octets, extra, expression in cursor.fetchall():
            columns.setdefault(table, {})[name] = Column(name, data_type, charset, int(octets), extra, expression)
        cursor.execute(statement("tables"))
        tables, lacking = [], []
        for name, size, table_type in cursor.fetchall():
            if name == hidden:
                continue
            own = columns.setdefault(name, {})
            if table_type == _VERSIONED and not any(column.period for column in own.values()):
                own.update({column.name: column for column in PERIOD_COLUMNS})
            if table_type == _VERSIONED and not history:
                lacking.append(name)
            names = tuple(c.name for c in own.values() if not c.virtual and (history or not c.period))
            reading = Reading.UNORDERED if names else Reading.COUNTED
            tables.append(TableRef("", name, names, int(size), reading=reading))
    return Schema(tuple(tables), columns, tuple(lacking))


def keeps_history(connection: Connection) -> bool:
    """Whether a dump can hold the history of the database's system-versioned tables, and a server take it again.

    Not of those that keep transaction ids: with --dump-history the dump program ends at the first of them.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION(), @@version_comment")
        version, comment = (str(value) for value in cursor.fetchone() or ("", ""))
        if flavour_of(version, comment).name != "mariadb" or parse_version(version) < HISTORY_SINCE:
            return False
        cursor.execute(statement("transaction_precise"))
        return not cursor.fetchall()
