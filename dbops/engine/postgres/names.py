"""Names of the databases that a restore makes beside a database: `<name>_restore_<moment>`, `_before_`, `_undone_`."""

from __future__ import annotations

import hashlib

from dbops.ids import is_backup_id

LIMIT_BYTES = 63
"""NAMEDATALEN - 1: the server cuts longer names in silence."""
RESTORE, BEFORE, UNDONE = "restore", "before", "undone"
_MOMENT = len("20261124T024500Z")


def beside(name: str, word: str, moment: str) -> str:
    """The name with its ending. A name too long for that is cut at a character and made distinct by a hash."""
    ending = f"_{word}_{moment}"
    room = LIMIT_BYTES - len(ending)
    if len(name.encode()) <= room:
        return name + ending
    mark = "_" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return name.encode()[: room - len(mark)].decode("utf-8", "ignore") + mark + ending


def moment_of(candidate: str, name: str, word: str) -> str | None:
    """The moment in a candidate's name, if it is one that `beside` makes for this very name; else None."""
    moment = candidate[-_MOMENT:]
    return moment if is_backup_id(moment) and candidate == beside(name, word, moment) else None
