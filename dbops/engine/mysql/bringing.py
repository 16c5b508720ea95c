"""Makes a database have the belongings that it should: in an order in which it can be done, and what is there stays."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import pymysql
from pymysql.charset import charset_by_name

from dbops.engine.mysql import ddl
from dbops.engine.mysql.belongings import PACKAGES, Belongings, Piece, inside, pieces
from dbops.engine.mysql.connect import SESSION
from dbops.engine.mysql.driver_errors import error_of
from dbops.engine.mysql.loose_keys import tie
from dbops.engine.mysql.maintenance import rows, run
from dbops.engine.mysql.statements import identifier, statement

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_OF_THE_SERVER = range(1000, 2000)
"""Numbers of a server's errors, up to where those of a lost connection begin."""
_NO_LIBRARY = (1305,)
"""Of a routine whose library is not there: no other one is looked up when it is made."""


def drop(connection: Connection, pieces: Sequence[Piece], database: str) -> None:
    """Drops triggers, events, routines or views, those that are there."""
    for piece in pieces:
        gone = f"DROP {piece.kind} IF EXISTS {identifier(database)}.{identifier(piece.name)}"
        if piece.kind in PACKAGES:  # before 11.4, MariaDB knows the words in this mode alone
            run(connection, "SET SESSION sql_mode = 'ORACLE'", gone, f"SET SESSION {SESSION[0]}")
        else:
            run(connection, gone)


def bring(connection: Connection, database: str, wanted: Belongings, *, events: bool, strict: bool = True) -> list[str]:
    """Makes the database have what `wanted` says, and nothing else; what is there already stays untouched.

    `events`: whether they get their states, or stay disabled. Not `strict`: views that cannot be made, and routines
    whose library is not there, are left out (they were broken before); their names are returned. Raises the driver's
    errors.
    """
    here = pieces(connection, database)
    run(
        connection,
        f"ALTER DATABASE {identifier(database)} CHARACTER SET {wanted.charset} COLLATE {wanted.collation}",
    )
    own = [[_moved(piece, wanted.database, database) for piece in group] for group in _groups(wanted)]
    triggers, routines, views, scheduled = own
    with inside(connection, database):
        # Triggers first: while they are missing, a row that somebody writes goes without.
        if here.triggers != tuple(triggers):  # of several at one moment of a table, the order counts
            drop(connection, here.triggers, database)
            for piece in triggers:
                _create(connection, piece, wanted.collation)
        changed = _changed(connection, database, here.routines, routines)
        broken = _create_in_any_order(connection, changed, wanted.collation, () if strict else _NO_LIBRARY)
        changed = _changed(connection, database, here.views, views, replace=True)
        broken += _create_in_any_order(connection, changed, wanted.collation, () if strict else _OF_THE_SERVER)
        told = [msgspec.structs.replace(piece, state=piece.state if events else "DISABLE") for piece in scheduled]
        for piece in _changed(connection, database, here.events, told):
            _create(connection, piece, wanted.collation)
        tie(connection, database, wanted.loose_keys)
    return broken


def _groups(wanted: Belongings) -> tuple[tuple[Piece, ...], ...]:
    return wanted.triggers, wanted.routines, wanted.views, wanted.events


def _moved(piece: Piece, old: str, new: str) -> Piece:
    """For another database: views name it where they select from several, triggers where somebody typed it, routines
    before the libraries that they use."""
    if piece.kind == "VIEW":
        return msgspec.structs.replace(piece, text=ddl.requalified(piece.text, old, new))
    if piece.kind == "TRIGGER":
        return msgspec.structs.replace(piece, text=ddl.trigger_moved(piece.text, old, new))
    if piece.kind in ("FUNCTION", "PROCEDURE"):
        return msgspec.structs.replace(piece, text=ddl.libraries_moved(piece.text, old, new))
    return piece


def _changed(
    connection: Connection, database: str, here: Sequence[Piece], wanted: Sequence[Piece], *, replace: bool = False
) -> list[Piece]:
    """What must be made; what must go for it, or is not wanted, is dropped (with `replace`, only the latter)."""
    there = {(piece.kind, piece.name): piece for piece in here}
    names = {(piece.kind, piece.name) for piece in wanted}
    made = [piece for piece in wanted if there.get((piece.kind, piece.name)) != piece]
    gone = [piece for key, piece in there.items() if key not in names]
    if not replace:
        gone += [there[piece.kind, piece.name] for piece in made if (piece.kind, piece.name) in there]
    drop(connection, gone, database)
    return made


def _create_in_any_order(
    connection: Connection, pieces: Sequence[Piece], collation: str, left_out: Container[int]
) -> list[str]:
    """In one in which it can be done: a view needs what it selects from, as it is to be. What fails in the end with an
    error of `left_out` is not made; the names of these."""
    left = list(pieces)
    while left:
        failures: list[tuple[Piece, pymysql.MySQLError]] = []
        for piece in left:
            try:
                _create(connection, piece, collation)
            except pymysql.MySQLError as error:
                if error_of(error)[0] not in _OF_THE_SERVER:
                    raise
                failures.append((piece, error))
        again = [piece for piece, _ in failures]
        if len(again) == len(left):
            for _, failure in failures:
                if error_of(failure)[0] not in left_out:
                    raise failure
            return [piece.name for piece in again]
        left = again
    return []


def _create(connection: Connection, piece: Piece, collation: str) -> None:
    """Makes it under the settings that it was made under; `collation`: the database's, as it is now."""
    text = piece.text
    if piece.kind == "VIEW":
        text = text.replace("CREATE ", "CREATE OR REPLACE ", 1)
    if piece.kind == "EVENT":
        text = ddl.enabled_as(text, piece.state)
    settings: dict[str, Any] = {"sql_mode": piece.sql_mode, "collation_connection": piece.collation}
    if piece.time_zone:
        settings["time_zone"] = piece.time_zone
    try:
        data = text.encode(charset_by_name(piece.charset).encoding or "utf-8")
        settings["character_set_client"] = piece.charset
    except (UnicodeEncodeError, LookupError, KeyError):
        data = text.encode()
    other = piece.database_collation if piece.database_collation not in ("", collation) else ""
    try:
        with connection.cursor() as cursor:
            if other:  # texts without a character set of their own take it from here
                cursor.execute(f"ALTER DATABASE COLLATE {other}")
            for name, value in settings.items():
                cursor.execute(f"SET SESSION {name} = %s", [value])
        connection.query(data)
    finally:
        run(connection, "SET NAMES utf8mb4", f"SET SESSION {', '.join(SESSION[:2])}")
        if other:
            run(connection, f"ALTER DATABASE COLLATE {collation}")


def draw_own_sequences(connection: Connection, database: str, others: Sequence[str]) -> None:
    """Makes defaults that draw from a sequence of one of the `others` draw from the database's own, after a move."""
    # All of a table in one statement: it opens what every default of the table names.
    changes: dict[str, list[str]] = {}
    for table, column, default in rows(connection, statement("restore_sequence_defaults"), {"name": database}):
        own = default
        for other in others:
            own = ddl.requalified(own, other, database)
        if own != default:
            changes.setdefault(table, []).append(f"ALTER COLUMN {identifier(column)} SET DEFAULT ({own})")
    for table, altered in changes.items():
        run(connection, f"ALTER TABLE {identifier(database)}.{identifier(table)} {', '.join(altered)}")


def scheduler_runs(connection: Connection) -> bool:
    """Whether the server runs events that are enabled."""
    return str(rows(connection, "SELECT @@global.event_scheduler")[0][0]).upper() in ("ON", "1")


def set_event_states(connection: Connection, database: str, states: Mapping[str, str]) -> None:
    """Gives events their states, which are disabled until then."""
    if states:
        bring(connection, database, pieces(connection, database).with_states(states), events=True)
