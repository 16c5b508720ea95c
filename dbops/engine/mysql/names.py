"""Names of the databases that a restore makes beside a database: `<name>_restore_<moment>`, `_before_`, `_undone_`."""

from __future__ import annotations

import hashlib

from dbops.ids import is_backup_id

LIMIT = 64
"""Characters of a name (manual, 'Identifier Length Limits'): a longer one is refused."""
RESTORE, BEFORE, UNDONE = "restore", "before", "undone"
_MOMENT = len("20261124T024500Z")


def beside(name: str, word: str, moment: str) -> str:
    """The name with its ending. A name too long for that is cut and made distinct by a hash."""
    ending = f"_{word}_{moment}"
    room = LIMIT - len(ending)
    if len(name) <= room:
        return name + ending
    mark = "_" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return name[: room - len(mark)] + mark + ending


def moment_of(candidate: str, name: str, word: str) -> str | None:
    """The moment in a candidate's name, if it is one that `beside` makes for this very name; else None.

    A server with lower_case_table_names=1 keeps every name in lower case.
    """
    moment = candidate[-_MOMENT:].upper()
    if not is_backup_id(moment):
        return None
    made = beside(name, word, moment)
    return moment if candidate in (made, made.lower()) else None
