"""Whether the schema changed during a dump: the programs read definitions when their turn comes, in no snapshot."""

from __future__ import annotations

from collections.abc import Mapping

from dbops.errors import LockedError
from dbops.language import msg, some


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What came, went or is another now, of two answers of `objects.schema_state`; '' if nothing."""
    return some(sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key)))


def tables_change(what: str) -> LockedError:
    """The error where the schema is another than it was when the moment was opened."""
    return LockedError(
        msg("the schema was changed while it was dumped: {what}", what=what),
        hint=msg("run it when no schema change is under way; nothing was published"),
        kind="tables-change",
    )
