"""Whether the schema changed during a dump: the programs read definitions when their turn comes, in no snapshot."""

from __future__ import annotations

from collections.abc import Mapping

from dbops.errors import LockedError
from dbops.language import msg, some


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What came, went or is another now, of two answers of `objects.schema_state`; '' if nothing."""
    return some(names_of_changed(before, after))


def names_of_changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """A mark that the server does not give at one time ('') tells nothing."""
    names = sorted(before.keys() | after.keys())
    return [
        name for name in names if before.get(name) != after.get(name) and "" not in (before.get(name), after.get(name))
    ]


def tables_change(what: str) -> LockedError:
    """The error where the schema is another than it was when the moment was opened."""
    return LockedError(
        msg("the schema was changed while it was dumped: {what}", what=what),
        hint=msg("run it when no schema change is under way; nothing was published"),
        kind="tables-change",
    )
