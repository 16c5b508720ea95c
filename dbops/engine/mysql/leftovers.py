"""What restores have left beside a database: sides of killed ones, swaps that nobody finished, old databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbops.engine.mysql.belongings import Belongings, present, read
from dbops.engine.mysql.journal import Journal, Phase
from dbops.engine.mysql.maintenance import Maintenance, databases, drop_database, exists, rows, stored
from dbops.engine.mysql.names import BEFORE, RESTORE, UNDONE, beside, moment_of
from dbops.engine.mysql.statements import statement
from dbops.engine.mysql.swap import recover
from dbops.engine.restoring import Aside

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection


def clear(maintenance: Maintenance, connection: Connection, name: str) -> list[str]:
    """Ends swaps that were killed, and drops what restores that were killed have left; the names of what is gone.

    The caller holds the lock: whoever made these is dead.
    """
    dropped: list[str] = []
    for database in databases(connection):
        for word in (BEFORE, UNDONE):
            if moment := moment_of(database, name, word):
                side = stored(connection, beside(name, RESTORE, moment))
                dropped += _clear(maintenance, connection, database, side)
    return dropped


def _clear(maintenance: Maintenance, connection: Connection, database: str, side: str) -> list[str]:
    found = Journal(connection, database).read()
    if found is None:
        if _empty(connection, database):  # killed between its first statement and its second
            drop_database(connection, database)
        return []
    phase, swap = found
    if phase is Phase.SWAPPING and swap is not None:
        done = recover(maintenance, swap)
        phase = Phase.DONE if done else Phase.LOADING
        Journal(connection, database).write(phase, swap if done else None)
    gone = []
    if swap is not None and phase is Phase.DONE and exists(connection, swap.source):
        drop_database(connection, swap.source)  # of which all tables have moved
        gone.append(swap.source)
    elif phase is Phase.LOADING and exists(connection, side):
        drop_database(connection, side)
        gone.append(side)
    if phase is Phase.LOADING or (swap is not None and swap.before is None):
        drop_database(connection, database)
    return gone


def asides(connection: Connection, name: str, word: str) -> list[Aside]:
    """Old databases that are whole, newest first."""
    found = []
    for database in databases(connection):
        moment = moment_of(database, name, word)
        if moment and (Journal(connection, database).read() or (None,))[0] is Phase.DONE:
            [(size,)] = rows(connection, statement("restore_size"), {"name": database})
            found.append(Aside(database, moment, int(size)))
    return sorted(found, key=lambda aside: aside.moment, reverse=True)


def as_it_was(connection: Connection, database: str) -> Belongings:
    """What a database that was set aside had: here its events are disabled, and what could not be made is in its
    journal alone."""
    here = read(connection, database)
    _, swap = Journal(connection, database).read() or (None, None)
    if swap is None or swap.before is None:
        return here
    return here.with_states({event.name: event.state for event in swap.before.events})


def _empty(connection: Connection, database: str) -> bool:
    [(count,)] = rows(connection, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s", [database])
    return not count and not present(connection, database)
