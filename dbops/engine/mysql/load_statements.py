"""What a restore makes of each statement of mysqldump or mariadb-dump.

Only what these programs write is let through: a dump is a script, and somebody may have written into it.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from dbops.engine.mysql.script import Kind, Statement
from dbops.engine.mysql.script_words import ROUTINES
from dbops.errors import BadBackupError
from dbops.language import msg


class Does(Enum):
    """What a statement does, as far as a restore cares."""

    ROWS = auto()
    TABLE = auto()
    KEYS = auto()
    """Switches a table's indexes off or on while it is filled."""
    DEFINITION = auto()
    """Creates a view, a trigger, a routine or an event."""
    SETTING = auto()
    DATABASE = auto()
    """Changes the defaults of the database, under the source's name."""
    SENT = auto()
    """To be sent as it is."""
    PASSED_OVER = auto()
    """Of no use in a copy, which has its own locks and transactions."""
    REPLICATION = auto()
    """Would change the server's place in a replication."""


_DOES = {
    Kind.INSERT: Does.ROWS,
    Kind.CREATE_TABLE: Does.TABLE,
    Kind.CREATE_VIEW: Does.DEFINITION,
    Kind.CREATE_TRIGGER: Does.DEFINITION,
    Kind.CREATE_EVENT: Does.DEFINITION,
    Kind.CREATE_SEQUENCE: Does.SENT,
    Kind.SETVAL: Does.SENT,
    Kind.DROP: Does.SENT,
    Kind.SET: Does.SETTING,
    Kind.REPLICATION: Does.REPLICATION,
    **dict.fromkeys(ROUTINES, Does.DEFINITION),
    **dict.fromkeys((Kind.LOCK, Kind.UNLOCK, Kind.TRANSACTION, Kind.USE, Kind.CREATE_DATABASE), Does.PASSED_OVER),
}
_SPACE = r"(?:\s|/\*M?!\d*|\*/)"
_KEYS = re.compile(rf"{_SPACE}*ALTER\s+TABLE\s+`(?:[^`]|``)*`\s+(?:DIS|EN)ABLE\s+KEYS{_SPACE}*\Z", re.IGNORECASE)
_DATABASE = re.compile(
    rf"{_SPACE}*ALTER\s+DATABASE\s+`(?:[^`]|``)*`\s+CHARACTER\s+SET\s+\w+\s+COLLATE\s+\w+{_SPACE}*\Z", re.IGNORECASE
)
_DROPPED = re.compile(
    rf"{_SPACE}*DROP\s+(?:TABLE|VIEW|SEQUENCE|EVENT|PROCEDURE|FUNCTION|LIBRARY|TRIGGER|PACKAGE|PACKAGE\s+BODY)\s",
    re.IGNORECASE,
)
_OF_THE_SERVER = re.compile(
    rf"{_SPACE}*SET\s+(?:GLOBAL|PERSIST|PERSIST_ONLY|PASSWORD|ROLE|DEFAULT|RESOURCE)\b"
    r"|(?:=|SET\s|,)\s*@@(?:GLOBAL|PERSIST|PERSIST_ONLY)\s*\.\s*\w+\s*:?=",
    re.IGNORECASE,
)
_HISTORY = b"system_versioning_insert_history"
_AUTOCOMMIT = re.compile(r"(?:\s|,|@@|\.)AUTOCOMMIT\s*:?=", re.IGNORECASE)
_HEAD = 4096


def judge(statement: Statement, source: str) -> Does:
    """What a statement does. Raises `BadBackupError` for one that no dump of the database `source` holds."""
    does = _DOES.get(statement.kind)
    head = statement.text[:_HEAD].decode("utf-8", "replace")
    if statement.kind is Kind.ALTER:
        does = Does.KEYS if _KEYS.match(head) else Does.DATABASE if _DATABASE.match(head) else None
    elif statement.kind is Kind.DROP and not _DROPPED.match(head):
        does = None
    elif statement.kind is Kind.SET:
        if _OF_THE_SERVER.search(head):
            does = None
        elif _AUTOCOMMIT.search(head) or _HISTORY in statement.text:  # every session of a load has it on
            does = Does.PASSED_OVER
    if does is None:
        raise _foreign(statement, msg("that no dump program writes"))
    if does not in (Does.PASSED_OVER, Does.SETTING, Does.REPLICATION):
        other = statement.name if does is Does.DATABASE else statement.database
        if other not in ("", source):
            raise _foreign(statement, msg("about another database, {other}", other=other))
    return does


def _foreign(statement: Statement, why: str) -> BadBackupError:
    return BadBackupError(
        msg(
            "line {line} of the dump holds a statement ({kind}) {why}",
            line=statement.line,
            kind=statement.kind,
            why=why,
        ),
        hint=msg("was the dump edited, or made by another program? look at it before you run it by hand"),
        kind="foreign-statement",
    )
