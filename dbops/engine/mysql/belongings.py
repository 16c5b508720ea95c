"""What a database has beside its tables: triggers, routines, views, events, keys that lead nowhere. RENAME TABLE does
not take them along, so a swap makes them anew on the other side (`bringing`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from dbops.engine.mysql import ddl, view_text
from dbops.engine.mysql.libraries import WORD, libraries
from dbops.engine.mysql.loose_keys import LooseKey, loose_keys
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.statements import identifier, statement
from dbops.errors import RefusedError
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

PACKAGES = ("PACKAGE", "PACKAGE BODY")
_ROUTINES = (WORD, "FUNCTION", "PROCEDURE", *PACKAGES)
"""In an order in which they can be made: functions name the libraries that they use."""
_NO_CHARSET = ("utf8mb4", "utf8mb4_general_ci")
"""For a library, of which the server names neither."""


class Piece(msgspec.Struct, frozen=True):
    """A definition, and the settings that a session must have so that it means the same again."""

    kind: str
    name: str
    text: str
    sql_mode: str = ""
    charset: str = "utf8mb4"
    collation: str = "utf8mb4_general_ci"
    database_collation: str = ""
    time_zone: str = ""
    state: str = ""
    """Of an event: ENABLE, DISABLE or DISABLE ON …; the text always says DISABLE."""


class Belongings(msgspec.Struct, frozen=True):
    """Everything of one database but its tables, in an order in which it can be made."""

    database: str
    charset: str
    collation: str
    triggers: tuple[Piece, ...] = ()
    routines: tuple[Piece, ...] = ()
    views: tuple[Piece, ...] = ()
    events: tuple[Piece, ...] = ()
    loose_keys: tuple[LooseKey, ...] = ()

    def with_states(self, states: Mapping[str, str]) -> Belongings:
        """With the states that events shall have: where they are, they may be disabled for the time being."""
        events = [msgspec.structs.replace(event, state=states.get(event.name, event.state)) for event in self.events]
        return msgspec.structs.replace(self, events=tuple(events))


class _Form(NamedTuple):
    """Where SHOW CREATE has what: the columns' names differ with the kind, and from one product to the other."""

    text: int
    sql_mode: int | None
    settings: int
    """Of three columns: character_set_client, collation_connection, the database's collation."""


_TRIGGER, _ROUTINE, _VIEW, _EVENT = _Form(2, 1, 3), _Form(2, 1, 3), _Form(1, None, 2), _Form(3, 1, 4)


def read(connection: Connection, database: str) -> Belongings:
    """What the database has now. Raises `RefusedError` where the user may not see a definition."""
    return msgspec.structs.replace(pieces(connection, database), loose_keys=loose_keys(connection, database))


def pieces(connection: Connection, database: str) -> Belongings:
    """The same without its loose keys: to find these, MariaDB opens every table."""
    [(charset, collation)] = rows(
        connection,
        "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata"
        " WHERE schema_name = %s",
        [database],
    )
    with inside(connection, database):
        found = present(connection, database)
        unknown = found.keys() - {"TRIGGER", "VIEW", "EVENT", *_ROUTINES}
        if unknown:
            raise RefusedError(
                msg(
                    "{database} has what dbops cannot move: {unknown}",
                    database=database,
                    unknown=", ".join(sorted(unknown)).lower(),
                ),
                hint=msg("restore with --in-place"),
                kind="cannot-move",
            )
        return Belongings(
            database,
            charset,
            collation,
            triggers=tuple(_show(connection, "TRIGGER", found.get("TRIGGER", ()), _TRIGGER)),
            routines=tuple(
                piece for kind in _ROUTINES for piece in _show(connection, kind, found.get(kind, ()), _ROUTINE)
            ),
            views=tuple(_show(connection, "VIEW", found.get("VIEW", ()), _VIEW)),
            events=tuple(_show(connection, "EVENT", found.get("EVENT", ()), _EVENT)),
        )


def present(connection: Connection, database: str) -> dict[str, list[str]]:
    """The names of everything in a database that RENAME TABLE does not take along, by the word of its CREATE."""
    found: dict[str, list[str]] = {}
    for kind, name in rows(connection, statement("restore_belongings"), {"name": database}):
        found.setdefault(kind, []).append(name)
    if own := list(libraries(connection, database)):
        found[WORD] = own
    return found


def _show(connection: Connection, kind: str, names: Sequence[str], form: _Form) -> Iterator[Piece]:
    for name in names:
        row = (
            view_text.shown(connection, name)
            if kind == "VIEW"
            else rows(connection, f"SHOW CREATE {kind} {identifier(name)}")[0]
        )
        text = row[form.text]
        if not text:
            raise RefusedError(
                msg(
                    "the user may not see the definition of {kind} {name}, which a swap makes anew",
                    kind=kind.lower(),
                    name=name,
                ),
                hint=msg(
                    "GRANT SHOW_ROUTINE ON *.* (MySQL) or SELECT ON mysql.proc (MariaDB), or restore with --in-place"
                ),
                kind="cannot-read-routine",
            )
        state = ""
        if kind == "EVENT":
            text, state = ddl.disabled(text)
        charset, collation, *more = row[form.settings :] or _NO_CHARSET
        yield Piece(
            kind,
            name,
            text,
            sql_mode=row[form.sql_mode] if form.sql_mode is not None else "",
            charset=charset,
            collation=collation,
            database_collation=more[0] if more and kind != "VIEW" else "",
            time_zone=row[2] if kind == "EVENT" else "",
            state=state,
        )


@contextmanager
def inside(connection: Connection, database: str) -> Iterator[None]:
    """In the database: the server prints its names without it there. At the end the session is in none, so that it is
    not taken for one of the application's."""
    connection.select_db(database)
    try:
        yield
    finally:
        if connection.open:
            connection.select_db("information_schema")
