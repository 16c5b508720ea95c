"""What the driver's errors mean, by their numbers."""

from __future__ import annotations

from dbops.language import msg

NO_TLS = 2026
"""The server has no TLS, and it is asked for."""
LOCK_TIMEOUT = 1205
"""Somebody else has held a lock for too long."""
_LOST = (0, 1053, 1927, 2006, 2013, 2055, 4031)
HINTS = {
    1021: msg("free space on the database server's disk"),
    1040: msg("too many connections: lower jobs, or raise max_connections"),
    1044: msg("grant the user the right to this database"),
    1045: msg("wrong user or password, or none: it is from the URL, dbops.toml (password_…) or ~/.my.cnf"),
    1049: msg("check the database's name in the URL"),
    1114: msg("free space on the database server's disk, or raise the limit of its tablespace"),
    1142: msg("grant the user the missing right"),
    1153: msg("raise max_allowed_packet on the server"),
    1203: msg("too many connections of this user: lower jobs, or raise max_user_connections"),
    LOCK_TIMEOUT: msg("somebody holds a lock on it: try again, or look at SHOW PROCESSLIST"),
    1227: msg("grant the user the missing right"),
    1290: msg("the server does not allow it as it is set (read_only?)"),
    1412: msg("a table was altered while it was read: run it when no schema change is under way"),
    2002: msg("check the socket's path in the URL; is the server running?"),
    2003: msg("check host and port in the URL; is the server running?"),
    3141: msg("a JSON document may be larger than the server's max_allowed_packet: raise it"),
    3024: msg("the server ended the query (max_execution_time)"),
}
"""What to do, by error number (https://dev.mysql.com/doc/mysql-errors/9.0/en/server-error-reference.html)."""


def error_of(error: Exception) -> tuple[int, str]:
    """Number and text of an error of the driver; 0 where it has none."""
    if len(error.args) >= 2 and isinstance(error.args[0], int):
        return error.args[0], str(error.args[1])
    return 0, str(error) or type(error).__name__


def lost(error: Exception) -> bool:
    """Whether there is no session any more: it was ended, or the server was."""
    return error_of(error)[0] in _LOST
