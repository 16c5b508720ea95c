"""Every routine, trigger and event can be shown, for which the server reads its body. Nothing of them is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymysql

from dbops.engine.examining import Outcome, Skipped, error, graded
from dbops.engine.mysql.examine.common import Source, Task, impeded, said
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.objects import shown_objects
from dbops.engine.mysql.statements import identifier, statement
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

KIND = "routines"
TITLE = msg("every routine, trigger and event can be read")
_TEXT = {"TRIGGER": 2, "EVENT": 3}
"""Where SHOW CREATE has the text; of routines, and of packages, it is in the third column."""


def tasks(connection: Connection, source: Source) -> list[Task]:
    """One for each routine, event and trigger: its definition is read."""

    def task(word: str, name: str) -> Task:
        label = f"{word.lower()} {name}"

        def failed(failure: pymysql.MySQLError) -> Outcome | None:
            if impeded(failure):
                return None
            finding = error("routine-broken", label, msg("its definition can be read"), said(failure))
            return Outcome(1, (graded(finding, source.severity()),))

        return Task(KIND, label, 0, lambda session: _show(session, word, name, label), failed)

    names = [(word, name) for kind, word, name in shown_objects(connection) if kind in ("routine", "event")]
    names += [("TRIGGER", str(name)) for (name, *_) in rows(connection, statement("triggers"))]
    return [task(word, name) for word, name in names]


def _show(connection: Connection, word: str, name: str, label: str) -> Outcome:
    found = rows(connection, f"SHOW CREATE {word} {identifier(name)}")
    text = found[0][_TEXT.get(word, 2)] if found else None
    if text is None:
        return Outcome(skipped=(Skipped(msg("this user may not see its body"), label),))
    return Outcome(1)
