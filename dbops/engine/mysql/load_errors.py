"""What a server's refusal of a dump's statement means, told without the statement's data."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dbops.engine.mysql.driver_errors import error_of
from dbops.errors import DatabaseError
from dbops.language import msg

_FULL = (3, 1021, 1037, 1038, 1041, 1114, 1135, 3019)
_LOST = (0, 1053, 1317, 1927, 2006, 2013, 2055, 4031)
_LACKS = {
    1044: msg("the user lacks a right"),
    1071: msg("an index is longer than the server's page size allows"),
    1115: msg("it does not know a character set"),
    1118: msg("a row is longer than its page size allows"),
    1128: msg("it lacks a loadable function"),
    1142: msg("the user lacks a right"),
    1153: "its max_allowed_packet is too small",
    1193: msg("it does not know a variable"),
    1227: msg("the user lacks a right"),
    1231: msg("it does not know a variable's value"),
    1235: msg("it does not support it"),
    1273: msg("it does not know a collation"),
    1286: msg("it does not have a storage engine"),
    1289: msg("a feature is switched off in it"),
    1290: msg("an option of it forbids it"),
    1298: msg("it does not know a time zone: fill its tables of them (mariadb-tzinfo-to-sql or mysql_tzinfo_to_sql)"),
    1370: msg("the user lacks a right"),
    1419: msg("log_bin_trust_function_creators is off, and the user lacks the right"),
    1418: msg("log_bin_trust_function_creators is off"),
    1524: msg("a plugin is not loaded"),
    1911: msg("it does not know an option"),
    3185: msg("it has no keyring for encrypted tables"),
    3161: msg("a storage engine is switched off in it"),
    3750: msg("sql_require_primary_key is on, and the user may not set it for a session (SESSION_VARIABLES_ADMIN)"),
    4161: msg("it does not know a data type"),
}
"""Errors of a server that is not set up for what the dump holds: they say nothing against the dump."""
_OPTIONS = "errno: 140"
"""What MariaDB says (1005) of a table's options: above all, that it has no such key to encrypt with."""
_NO_KEY = msg("it does not take an option of a table: has it the key to encrypt it with?")
_NEAR = re.compile(r"(near ').*(' at line \d+)$", re.DOTALL)
_KEY = re.compile(r" for key '([^']*)'$")
_COLUMN = re.compile(r" for column (?:`[^`]*`\.`[^`]*`\.)?[`']([^`']*)[`'] at row (\d+)$")
_LONGEST = 300


def kind_of(number: int, text: str) -> str:
    """Whether a load failed for the archive's sake, or the server's: they call for different repairs."""
    if number in _FULL or "errno: 28" in text or "No space left" in text:
        return "server-full"
    if number in _LOST:
        return "server-lost"
    return "server-lacks" if number in _LACKS or _OPTIONS in text else "load-failed"


def of_definition(error: Exception, what: str, place: str) -> DatabaseError:
    """The server refused a definition: `what` names it. Its text is told, without pieces of the statement."""
    number, text = error_of(error)
    said = " ".join(_NEAR.sub(r"\1…\2", text).split())[:_LONGEST]
    return _error(
        number, text, msg("{place}: {what}: {said} ({number})", place=place, what=what, said=said, number=number)
    )


def of_rows(error: Exception, table: str, names: Iterable[str], place: str) -> DatabaseError:
    """The server refused rows: only its number and `names` (of the table's columns and keys) are told, since its text
    quotes values, and a value may look like anything."""
    number, text = error_of(error)
    known = set(names)
    where = ""
    if match := _KEY.search(text):
        key = match[1].rpartition(".")[2]
        where = msg(", key {key}", key=key) if key in known or key == "PRIMARY" else ""
    elif match := _COLUMN.search(text):
        where = (
            msg(", column {column}, row {row} of its statement", column=match[1], row=match[2])
            if match[1] in known
            else ""
        )
    said = _symbol(number) if kind_of(number, text) != "server-lost" else msg("the connection was lost")
    return _error(
        number,
        text,
        msg(
            "{place}: rows of {table}: {said} ({number}){where}",
            place=place,
            table=table,
            said=said,
            number=number,
            where=where,
        ),
    )


def too_long(needed: int, table: str, place: str) -> DatabaseError:
    """Rows with a value that the server's packets do not hold."""
    return DatabaseError(
        msg(
            "{place}: a row of {table} needs {needed} bytes of max_allowed_packet, more than the server has",
            place=place,
            table=table,
            needed=needed,
        ),
        hint=f"SET GLOBAL max_allowed_packet = {-(-needed >> 20) << 20}, and run it again",
        kind="server-lacks",
    )


def _error(number: int, text: str, message: str) -> DatabaseError:
    kind = kind_of(number, text)
    hint = {
        "server-full": msg("free space on the database server's disk"),
        "server-lost": msg("look into the server's log"),
        "server-lacks": msg("the server is not set up for it: {what}", what=_LACKS.get(number, _NO_KEY)),
    }.get(kind, "")
    return DatabaseError(message, hint=hint, kind=kind)


def _symbol(number: int) -> str:
    """The manual's name of an error, as words: `duplicate entry`."""
    from pymysql.constants import ER

    words = {1062: msg("duplicate entry"), 4025: msg("a CHECK constraint fails"), 3819: msg("a CHECK constraint fails")}
    names = (name for name, value in vars(ER).items() if value == number and name.isupper())
    return words.get(number) or next(names, msg("the server refused them")).lower().replace("_", " ")
