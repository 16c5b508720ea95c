"""What the drill of somebody else's dump makes of each of its statements. Pure.

Such a dump may be of many databases or of a whole server, so it may change which database it is in. What would change
the server itself, its accounts or its place in a replication is left out. What no dump program writes is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import Enum, auto
from typing import NamedTuple

from dbops.engine.dumps import DumpDatabase
from dbops.engine.mysql.script import Kind, Statement
from dbops.engine.mysql.script_words import ROUTINES, unquoted
from dbops.errors import BadBackupError, PreflightError
from dbops.language import msg

SYSTEM = frozenset({"mysql", "sys", "information_schema", "performance_schema", "ndbinfo"})
"""Databases of the server itself."""


class Act(Enum):
    """What is done with a statement."""

    RUN = auto()
    ROWS = auto()
    """It carries rows: what the server says about it may quote them."""
    DEFINE = auto()
    """A view, a trigger, a routine or an event: it may name a definer."""
    DEFAULTS = auto()
    """Changes the defaults of a database, which it names."""
    USE = auto()
    DATABASE = auto()
    """Creates a database."""
    LEAVE = auto()


class Left(Enum):
    """Why a statement is left out, for people."""

    NONE = ""
    ACCOUNT = "users, roles and grants: a throw-away server gets none of them"
    DROP = "an empty server has no database to drop"
    REPLICATION = "would change the server's place in a replication, or its binary log"
    SERVER = "changes a setting, a plugin or something else of the whole server"
    SYSTEM = "tables of the server itself: a throw-away server keeps its own"


class Judged(NamedTuple):
    """What becomes of a statement, and where it is left out, as what."""

    act: Act
    left: Left = Left.NONE


_SPACE = r"(?:\s|/\*M?!\d*|\*/)"
_HEAD = 4096
_NAME = r"(?:`(?:[^`]|``)+`|[^\s`'\";]+)"
_USE = re.compile(rf"{_SPACE}*USE\s+({_NAME})", re.IGNORECASE)
_DROP_DATABASE = re.compile(rf"{_SPACE}*DROP\s+(?:DATABASE|SCHEMA)\b", re.IGNORECASE)
_ALTER = re.compile(rf"{_SPACE}*ALTER\s+(?:ONLINE\s+|IGNORE\s+)*(TABLE|DATABASE|SCHEMA|EVENT|VIEW|SEQUENCE)\b", re.I)
_ROLES = re.compile(
    rf"{_SPACE}*(?:SET\s+(?:PASSWORD|ROLE|DEFAULT\s+ROLE)\b|SELECT\s+COALESCE\(CURRENT_ROLE\(\)"
    rf"|EXECUTE\s+IMMEDIATE\s+CONCAT\('SET\s+ROLE\s)",
    re.IGNORECASE,
)
"""What `mariadb-dump --system=users` writes beside CREATE USER and GRANT."""
_OF_THE_SERVER = re.compile(
    rf"{_SPACE}*SET\s+(?:GLOBAL|PERSIST|PERSIST_ONLY|RESOURCE)\b"
    r"|(?:=|SET\s|,)\s*@@(?:GLOBAL|PERSIST|PERSIST_ONLY)\s*\.\s*\w+\s*:?=",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    rf"{_SPACE}*(?:FLUSH|INSTALL|UNINSTALL|ANALYZE|OPTIMIZE|CREATE\s+(?:OR\s+REPLACE\s+)?SERVER|DROP\s+SERVER"
    rf"|CREATE\s+(?:UNDO\s+)?TABLESPACE|CREATE\s+LOGFILE|ALTER\s+TABLESPACE|ALTER\s+LOGFILE)\b",
    re.IGNORECASE,
)
_LOAD = re.compile(rf"{_SPACE}*LOAD\s+(?:DATA|XML)\b", re.IGNORECASE)
_LOADABLE = re.compile(r"\bSONAME\s*'", re.IGNORECASE)
_CHARSET = re.compile(r"CHARACTER SET\s*=?\s*(\w+)", re.IGNORECASE)
_COLLATE = re.compile(r"COLLATE\s*=?\s*(\w+)", re.IGNORECASE)
_ACCOUNT = r"(?:'(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`)"
_CREATE_ACCOUNT = re.compile(
    rf"{_SPACE}*CREATE\s+(?:OR\s+REPLACE\s+)?(?:USER|ROLE){_SPACE}+(?:IF\s+NOT\s+EXISTS{_SPACE}+)?"
    rf"({_ACCOUNT})(?:@({_ACCOUNT}))?",
    re.IGNORECASE,
)
_DEFINITIONS = frozenset({Kind.CREATE_VIEW, Kind.CREATE_TRIGGER, Kind.CREATE_EVENT, *ROUTINES})
_RUN = frozenset(
    {
        *(Kind.CREATE_TABLE, Kind.CREATE_SEQUENCE, Kind.CREATE_INDEX, Kind.SETVAL, Kind.DROP, Kind.SET),
        *(Kind.LOCK, Kind.UNLOCK, Kind.TRANSACTION),
    }
)
_IN_SYSTEM = frozenset({Kind.SET, Kind.USE, Kind.CREATE_DATABASE, Kind.TRANSACTION})
"""What runs even while the dump is in a database of the server: settings that come to matter later."""


def judge(statement: Statement, here: str, names: Collection[str] | None = None) -> Judged:
    """What to do with a statement. `here`: the database that the dump is in; `names`: all that it has, None while that
    is not known.

    Raises `BadBackupError` of kind 'foreign-statement' for what no dump program writes, `PreflightError` for a load of
    text files.
    """
    kind, text = statement.kind, head(statement)
    if kind is Kind.INSERT and statement.database == "":
        return Judged(Act.LEAVE, Left.SYSTEM) if here in SYSTEM else Judged(Act.ROWS)
    left = _left_out(statement, text, here)
    if left is not Left.NONE:
        return Judged(Act.LEAVE, left)
    if kind is Kind.USE:
        return Judged(Act.USE)
    if kind is Kind.CREATE_DATABASE:
        return Judged(Act.DATABASE)
    if names is not None and statement.database not in ("", *names) and kind is not Kind.ALTER:
        raise _foreign(
            statement, msg("about a database that the dump does not have: {database}", database=statement.database)
        )
    if kind is Kind.ALTER and (found := _ALTER.match(text)):
        return Judged(Act.DEFAULTS if found[1].upper() in ("DATABASE", "SCHEMA") else Act.ROWS)
    if kind is Kind.INSERT:
        return Judged(Act.ROWS)
    if kind in _DEFINITIONS:
        return Judged(Act.DEFINE)
    if kind in _RUN:
        return Judged(Act.RUN)
    if _LOAD.match(text):
        raise PreflightError(
            msg("line {line}: the rows are in text files of their own, which cannot be loaded", line=statement.line),
            hint=msg("make the dump without --load-data, --csv and --tab"),
            kind="format-unsupported",
        )
    raise _foreign(statement, msg("that no dump program writes"))


def _left_out(statement: Statement, text: str, here: str) -> Left:
    kind = statement.kind
    if kind is Kind.ACCOUNT or _ROLES.match(text):
        return Left.ACCOUNT
    if kind is Kind.REPLICATION:
        return Left.REPLICATION
    if _OF_THE_SERVER.search(text) if kind is Kind.SET else _OTHERS.match(text):
        return Left.SERVER
    if kind is Kind.CREATE_FUNCTION and _LOADABLE.search(text):
        return Left.SERVER
    if kind not in _IN_SYSTEM and (here in SYSTEM or statement.database in SYSTEM):
        return Left.SYSTEM
    if kind is Kind.DROP and _DROP_DATABASE.match(text):
        return Left.DROP
    return Left.NONE


def head(statement: Statement) -> str:
    """The beginning of a statement, where all stands that tells what it does."""
    return statement.text[:_HEAD].decode("utf-8", "replace")


def whole(statement: Statement) -> str:
    """As the driver sends text: bytes that are no UTF-8 stay as they are."""
    return statement.text.decode("utf-8", "surrogateescape")


def used(statement: Statement) -> str:
    """The database that a USE changes to."""
    found = _USE.match(whole(statement))
    return unquoted(found[1].encode("utf-8", "surrogateescape")) if found else ""


def database_made(statement: Statement) -> DumpDatabase:
    """What CREATE DATABASE says of it."""
    text = whole(statement)
    charset, collation = _CHARSET.search(text), _COLLATE.search(text)
    return DumpDatabase(
        statement.name,
        created=True,
        encoding=charset[1] if charset else "",
        collation=collation[1] if collation else "",
    )


def account_made(statement: Statement) -> str:
    """`user@host` that CREATE USER makes, or the role; '' if it makes none."""
    found = _CREATE_ACCOUNT.match(whole(statement))
    if found is None:
        return ""
    user, host = (part[1:-1].replace("''", "'").replace("``", "`") if part else "" for part in found.groups())
    return f"{user}@{host}" if host else user


def what(statement: Statement) -> str:
    """For people: `create table customers`. No data."""
    return f"{statement.kind.replace('-', ' ')} {statement.name}".strip()


def _foreign(statement: Statement, why: str) -> BadBackupError:
    return BadBackupError(
        msg("line {line} holds a statement ({kind}) {why}", line=statement.line, kind=statement.kind, why=why),
        hint=msg("was the dump edited, or made by another program? look at it before you run it by hand"),
        kind="foreign-statement",
    )
