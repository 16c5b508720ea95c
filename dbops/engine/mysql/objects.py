"""Every schema object of a MySQL or MariaDB database as (kind, identity, definition).

What is compared is what a dump can carry: two databases of which one was made from a dump of the other give equal
definitions, under whatever names, and whatever else differs between two schemas gives a difference. Most is read from
information_schema, which says the same before and after (SHOW CREATE TABLE does not: a restore makes COLLATE and
DEFAULT NULL explicit); each kind is one file in `sql/objects` that gives rows of (identity, definition). Bodies of
views, routines, triggers and events are read by SHOW CREATE, since information_schema knows three-byte characters only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from importlib import resources
from typing import TYPE_CHECKING, Any

from dbops.engine.mysql import printed
from dbops.engine.mysql.broken import named
from dbops.engine.mysql.connect import flavour
from dbops.engine.mysql.flavour import Flavour
from dbops.engine.mysql.libraries import WORD, libraries
from dbops.engine.mysql.statements import identifier, statement

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

NOT_IN_A_COPY = frozenset({"grant", "database_grant", "event_status"})
"""Kinds that a database gets with its name, when it is made live: a copy beside it has none of them yet."""
GRANTS = ("grant", "database_grant")
_PRINTED = ("index", "foreign_key", "partition", "view", "sequence", "routine", "trigger", "event")
_HIDDEN = "(not shown to this user)"
_GONE = "(dropped while it was read)"
_ONLY = re.compile(r"-- (mysql|mariadb)\s*$", re.MULTILINE)
_NO_SUCH = (1146, 1305, 1360, 1539)
_UNREADABLE = (1049, 1356)
Definitions = dict[str, dict[str, str]]


def read_definitions(connection: Connection, names: Collection[str] = ()) -> Definitions:
    """kind -> {identity -> definition}, each sorted; every kind is there, if only as an empty dict, except those that
    this user may not read.

    The database's own name, and the other `names`, do not show in definitions. Sees what is there now, not what was
    there when a transaction began.
    """
    product = flavour(connection)
    with connection.cursor() as cursor:
        cursor.execute("SELECT DATABASE()")
        own = {str((cursor.fetchone() or ("",))[0]), *names}
        cursor.execute("SET SESSION sql_quote_show_create = 1")
    readable = reads_grants(connection)
    rows: dict[str, dict[str, list[str]]] = {}
    for kind, query in statements(product):
        if kind in GRANTS and not readable:
            continue
        of_kind = rows.setdefault(kind, {})
        for identity, definition in _rows(connection, query):
            text = _HIDDEN if definition is None else str(definition)
            if kind == "column":
                text = printed.without_introducers(printed.without_database(text, own))
            of_kind.setdefault(str(identity), []).append(text)
    rows |= {kind: {} for kind in _PRINTED}
    for kind, identity, text in _printed(connection, own):
        rows[kind].setdefault(identity, []).append(text)
    return {
        kind: {identity: "\n".join(sorted(found[identity])) for identity in sorted(found)}
        for kind, found in sorted(rows.items())
    }


def object_digest(definition: str) -> str:
    """SHA-256, in hex, of a definition."""
    return hashlib.sha256(definition.encode()).hexdigest()


def statements(product: Flavour) -> Iterator[tuple[str, str]]:
    """(kind, SQL) of each file in `sql/objects`, sorted by kind; see `for_product`."""
    folder = resources.files(__package__) / "sql" / "objects"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            yield file.name.removesuffix(".sql"), for_product(file.read_text(encoding="utf-8"), product)


def for_product(query: str, product: Flavour) -> str:
    """SQL without the lines that end in `-- mysql` or `-- mariadb` and are for the other product."""
    lines = query.splitlines(keepends=True)
    return "".join(line for line in lines if (only := _ONLY.search(line)) is None or only[1] == product.name)


def schema_state(connection: Connection) -> dict[str, str]:
    """Marks of everything in the database that a schema change alters, cheaper than definitions: two of them that are
    equal, of one server, mean that there was none between."""
    found = {str(name): str(state) for name, state in _rows(connection, statement("schema_state"))}
    return found | {f"library {name}": state for name, state in libraries(connection).items()}


def shown_objects(connection: Connection) -> list[tuple[str, str, str]]:
    """What SHOW CREATE prints, but triggers: kind, the word of the statement, name; tables first."""
    found = [(str(kind), str(word), str(name)) for kind, word, name in _rows(connection, statement("object_names"))]
    return [*found, *(("routine", WORD, name) for name in libraries(connection))]


def _printed(connection: Connection, own: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """(kind, identity, text) of what SHOW CREATE prints."""
    for kind, word, name in shown_objects(connection):
        row = _show(connection, word, name)
        if kind == "table":
            yield from _of_table(name, row[1])
        elif kind == "view":
            text = printed.without_database(printed.without_repeats(printed.without_definer(row[1])), own)
            yield kind, name, _joined(text, row[2:4])
        elif kind == "sequence":
            yield kind, name, row[1]
        elif kind == "routine":
            text = printed.using_own(printed.without_definer(row[2]), own)
            yield kind, f"{word.lower()} {name}", _joined(text, row[1], row[3:6])
        else:
            text = printed.without_status(printed.without_definer(row[3]))
            yield kind, name, _joined(text, row[1:3], row[4:7])
    for name, place in _rows(connection, statement("triggers")):
        row = _show(connection, "TRIGGER", str(name))
        yield "trigger", name, _joined(place, printed.trigger_body(row[2]), row[1], row[3:6])


def _of_table(name: str, text: str) -> Iterator[tuple[str, str, str]]:
    parts = printed.of_table(text)
    if parts.options:
        yield "table", name, parts.options
    for kind, found in (("index", parts.keys), ("foreign_key", parts.foreign), ("check", parts.checks)):
        for one, definition in found.items():
            yield kind, f"{name}.{one}", definition
    for column, default in parts.moments.items():
        yield "column", f"{name}.{column}", f"default {default}"
    if parts.partitions:
        yield "partition", name, parts.partitions


def _joined(*parts: str | tuple[str, ...]) -> str:
    """Lines of a definition: its text, and the settings that it keeps with it."""
    return "\n".join(part if isinstance(part, str) else " ".join(part) for part in parts)


def _show(connection: Connection, word: str, name: str) -> tuple[str, ...]:
    """One row of SHOW CREATE, as text; what cannot be shown says so in all of its fields."""
    import pymysql

    try:
        with named(name), connection.cursor() as cursor:
            cursor.execute(f"SHOW CREATE {word} {identifier(name)}")
            row: tuple[Any, ...] = cursor.fetchone() or ()
    except pymysql.MySQLError as error:
        if error.args[0] in _NO_SUCH:
            return (_GONE,) * 8
        if error.args[0] in _UNREADABLE:
            return (f"(error {error.args[0]})",) * 8
        raise
    return tuple(_HIDDEN if value is None else str(value) for value in row)


def reads_grants(connection: Connection) -> bool:
    """Whether the user may see everybody's grants; without this right, the lists of them show the user's own only."""
    import pymysql

    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM mysql.db, mysql.procs_priv LIMIT 0")
    except pymysql.MySQLError:
        return False
    return True


def _rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
