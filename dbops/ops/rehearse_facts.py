"""What a rehearsal has measured. Durations are seconds, sizes are bytes."""

from __future__ import annotations

import msgspec

from dbops.values import Value


class RanStatement(Value, frozen=True):
    """A statement of a revision. `rows`: the driver's count, None where it has none. `rewritten`: relations that it
    wrote anew. `locks`: what it locked that was there before, as `table mode`."""

    revision: str
    sql: str
    seconds: float
    rows: int | None = None
    rewritten: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()


class HeldLock(Value, frozen=True):
    """The strongest lock on a table, from the statement that took it to the end of its transaction. `blocks`: `reads`
    (and writes), or `writes`."""

    table: str
    mode: str
    blocks: str
    seconds: float
    revision: str
    sql: str


class TableChange(Value, frozen=True):
    """A table that is not as before; None: there was or is no such table."""

    name: str
    rows_before: int | None
    rows_after: int | None
    columns_gone: tuple[str, ...] = ()
    columns_new: tuple[str, ...] = ()


class WayBack(Value, frozen=True):
    """How production gets back. `kind`: `downgrade` where the rehearsal went down and came back with the data whole,
    else `restore`, in the measured time from 'start restoring' to 'verified'; `none`: neither was shown to work.
    `why`: why it is not the downgrade."""

    kind: str
    seconds: float
    command: str
    why: str = ""


class Rehearsal(Value, frozen=True):
    """One run of the pending revisions on a restored copy. `current` and `pending` are the copy's, `reached` its
    version rows at the end of the upgrade. `unobserved`: statements whose locks could not be seen."""

    backup: str
    sandbox: str
    current: tuple[str, ...]
    pending: tuple[str, ...]
    reached: tuple[str, ...]
    upgrade_seconds: float
    downgrade_seconds: float | None
    restore_seconds: float
    statements: tuple[RanStatement, ...]
    locks: tuple[HeldLock, ...]
    tables: tuple[TableChange, ...]
    way_back: WayBack
    unobserved: int = 0
    versions: dict[str, str] = msgspec.field(default_factory=dict)
