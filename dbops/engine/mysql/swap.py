"""The moment of a restore: tables change their databases in one RENAME TABLE, all or none (MySQL 8, MariaDB 10.6).

What RENAME does not take along is made anew around it, by a journal: while that runs a reader may miss a trigger or
find an old view, which is why sessions are kept away; whatever ends it, the next run finishes it, or undoes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING

import msgspec
import pymysql

from dbops.engine.in_the_way import GRACE_SECONDS, ending, refusal
from dbops.engine.mysql.belongings import Belongings, pieces, read
from dbops.engine.mysql.bringing import bring, draw_own_sequences, drop
from dbops.engine.mysql.connect import flavour
from dbops.engine.mysql.driver_errors import LOCK_TIMEOUT, error_of
from dbops.engine.mysql.journal import TABLE, Journal, Move, Phase, Swap
from dbops.engine.mysql.loose_keys import loosen
from dbops.engine.mysql.maintenance import (
    Maintenance,
    create_database,
    drop_database,
    end_sessions,
    exists,
    lingering,
    rows,
    run,
    session_number,
    sessions_in,
)
from dbops.engine.mysql.settle import grant
from dbops.engine.mysql.statements import identifier, statement
from dbops.errors import DbopsError, RefusedError
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection


def check_sessions(connection: Connection, name: str, *, end_sessions: bool) -> None:
    """`RefusedError` that names the sessions in a database, unless they end within a grace or may be ended."""
    if end_sessions:
        return
    if found := lingering(connection, name, GRACE_SECONDS):
        raise in_use(name, [inside.line for inside in found])


def in_use(name: str, lines: Sequence[str]) -> RefusedError:
    """The refusal that names the sessions; `lines` is empty where they cannot be seen."""
    return refusal(name, lines, msg("they hold its tables, and cannot be seen"))


def foreign_keys_into(connection: Connection, name: str) -> list[str]:
    """Tables of other databases whose foreign keys lead into this one: they would follow its tables when those move."""
    if flavour(connection).name == "mariadb":  # the list below opens all tables of all databases there
        with suppress(pymysql.MySQLError):  # without the right PROCESS
            if rows(connection, statement("restore_foreign_mariadb")) == [(0,)]:
                return []
    return [label for (label,) in rows(connection, statement("restore_foreign"), {"name": name})]


def plan(
    connection: Connection, live: str, source: str, aside: str, after: Belongings, then: Sequence[str] = ()
) -> Swap:
    """What a swap will do. Raises `RefusedError` where tables cannot be moved without harm."""
    if others := foreign_keys_into(connection, live):
        raise RefusedError(
            msg("foreign keys of other databases lead into {live}: {others}", live=live, others=", ".join(others)),
            hint=msg("restore with --in-place: the tables of a swap would take them along"),
            kind="cannot-move",
        )
    there = exists(connection, live)
    moves = [Move(live, table, aside) for table in tables(connection, live)] if there else []
    moves += [Move(source, table, live) for table in tables(connection, source)]
    before = read(connection, live) if there else None
    return Swap(live, source, aside, before, after, tuple(moves), tuple(then))


def perform(maintenance: Maintenance, journal: Journal, swap: Swap, *, end_sessions: bool) -> None:
    """Swaps. What fails before the tables have moved, or after, is undone; `journal` knows when even that fails."""
    with maintenance.session() as connection:
        journal.write(Phase.SWAPPING, swap)
        try:
            spared = session_number(connection)
            with _ended(maintenance, swap.live if end_sessions else "", spared=spared):
                _forward(connection, swap)
        except BaseException as error:
            # A session of its own: the other may be what broke.
            with suppress(DbopsError), maintenance.session() as other:
                _back(other, swap)
                Journal(other, swap.aside).write(Phase.LOADING, None)
            if isinstance(error, pymysql.MySQLError) and error_of(error)[0] == LOCK_TIMEOUT:
                lines = [inside.line for inside in sessions_in(journal.connection, swap.live)]
                raise in_use(swap.live, lines) from None
            raise
        journal.write(Phase.DONE, swap)


def recover(maintenance: Maintenance, swap: Swap) -> bool:
    """Ends a swap that was killed: forward if any table has moved, else back. Whether the new database is in place."""
    with maintenance.session() as connection:
        if _moved(connection, swap):
            try:
                _forward(connection, swap)
            except pymysql.MySQLError:
                _back(connection, swap)
                return False
            return True
        _back(connection, swap)
        return False


def _forward(connection: Connection, swap: Swap) -> None:
    """From wherever it stands to the new database."""
    _prepare(connection)
    before, after = swap.before, swap.after
    if before is None and not exists(connection, swap.live):
        create_database(connection, swap.live, after.charset, after.collation)
    if not _moved(connection, swap):
        # Only triggers forbid the move; events would find tables without them, and loose keys would find other tables.
        if before is not None:
            drop(connection, before.events, swap.live)
            drop(connection, before.triggers, swap.live)
            loosen(connection, swap.live, before.loose_keys)
        drop(connection, after.triggers, swap.source)
        loosen(connection, swap.source, after.loose_keys)
    done = _done(connection, swap)
    _rename(connection, [move for move in swap.moves if move not in done])
    names = (swap.source, swap.live, swap.aside)
    draw_own_sequences(connection, swap.live, names)
    draw_own_sequences(connection, swap.aside, names)
    bring(connection, swap.live, msgspec.structs.replace(after, events=()), events=True)
    if before is not None:
        bring(connection, swap.aside, before, events=False, strict=False)
    grant(connection, swap.then)
    bring(connection, swap.live, after, events=True)


def _back(connection: Connection, swap: Swap) -> None:
    """From wherever it stands to the old database, with the new one where it was."""
    _prepare(connection)
    before, after = swap.before, swap.after
    names = (swap.source, swap.live, swap.aside)
    moved = _done(connection, swap)[::-1]
    if moved:
        here = pieces(connection, swap.live)
        drop(connection, [*here.events, *here.triggers], swap.live)
        there = pieces(connection, swap.aside)
        drop(connection, there.triggers, swap.aside)
        loosen(connection, swap.live, after.loose_keys)
        if before is not None:
            loosen(connection, swap.aside, before.loose_keys)
        _rename(connection, [Move(move.new, move.table, move.old) for move in moved])
        draw_own_sequences(connection, swap.live, names)
        draw_own_sequences(connection, swap.source, names)
    if before is not None:
        bring(connection, swap.live, before, events=True, strict=False)
    elif exists(connection, swap.live) and not tables(connection, swap.live):
        drop_database(connection, swap.live)
    if exists(connection, swap.source):
        bring(connection, swap.source, after, events=False, strict=False)


def _prepare(connection: Connection) -> None:
    with suppress(pymysql.MySQLError):  # MariaDB: a table that keeps its history may be given another default
        run(connection, "SET SESSION system_versioning_alter_history = KEEP")


def _moved(connection: Connection, swap: Swap) -> bool:
    """Whether any table is at its new place. Where there is none at all, everything can be done again."""
    return not swap.moves or bool(_done(connection, swap))


def _done(connection: Connection, swap: Swap) -> list[Move]:
    """Both sides have tables of the same names: an old one has moved if it is set aside, a new one if it has left."""
    aside, source = set(tables(connection, swap.aside)), set(tables(connection, swap.source))
    return [
        move for move in swap.moves if (move.table in aside if move.new == swap.aside else move.table not in source)
    ]


def tables(connection: Connection, database: str) -> list[str]:
    """What RENAME TABLE moves: tables, and sequences of MariaDB."""
    if not exists(connection, database):
        return []
    found = rows(connection, f"SHOW FULL TABLES FROM {identifier(database)}")
    return [name for name, kind in found if kind != "VIEW" and name != TABLE]


def _rename(connection: Connection, moves: Sequence[Move]) -> None:
    if moves:
        one = "{}.{} TO {}.{}".format
        names = [[identifier(part) for part in (move.old, move.table, move.new, move.table)] for move in moves]
        run(connection, "RENAME TABLE " + ", ".join(one(*name) for name in names))


def _ended(maintenance: Maintenance, database: str, *, spared: int) -> AbstractContextManager[None]:
    """Nobody but one session stays in the database for the time of the block; '' ends none."""
    if not database:
        return nullcontext()
    return ending(maintenance.session(), lambda connection: end_sessions(connection, [database], spared=spared))
