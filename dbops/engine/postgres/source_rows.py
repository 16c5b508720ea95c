"""Rows that the source itself holds against its own keys: a load of a whole archive fails on them, on every server."""

from __future__ import annotations

import re
from pathlib import Path

from dbops.command import run
from dbops.engine.postgres.tools import Tools
from dbops.language import joined, msg

KIND = "rows-violate"
"""Of an error of a load whose cause are the source's rows: no other server, of whatever version, would take them."""
_NO_ROW = re.compile(r'on table "(.+)" violates foreign key constraint "(.+)"')
_TWICE = re.compile(r'could not create unique index "(.+)"')
_LAST = re.compile(r'(?:"((?:[^"]|"")+)"|([^\s."]+))$')
_KEY = re.compile(
    r"^ALTER TABLE (.+)\n    ADD CONSTRAINT (.+) FOREIGN KEY \((.+)\) REFERENCES (.+?)\(((?:[^()\n]|\"[^\"\n]*\")+)\)",
    re.MULTILINE,
)


def refused(words: str) -> bool:
    """Whether the server's words are of rows that no key allows."""
    return bool(_NO_ROW.search(words) or _TWICE.search(words))


def advice(words: str, tools: Tools, archive: Path) -> str:
    """What to do about them. The row that the server has met first is in its own DETAIL."""
    query = _query(words, tools, archive)
    lines = [
        msg(
            "the source itself holds rows that violate it: written while keys were not looked at "
            "(session_replication_role, DISABLE TRIGGER ALL), or under a damaged index"
        ),
        msg("on the source, all such keys: {query}", query=query) if query else "",
        msg(
            "mend or delete them there, then back up again. This backup: restore it by hand without that "
            "constraint (pg_restore --list and --use-list); a foreign key can be added as NOT VALID"
        ),
    ]
    return joined("\n", filter(None, lines))


def _query(words: str, tools: Tools, archive: Path) -> str:
    """Lists the values of a foreign key without their row, all of them; '' if the archive does not tell."""
    match = _NO_ROW.search(words)
    if match is None:
        return ""
    argv = [tools.program("pg_restore"), "--section=post-data", "--file=-", str(archive)]
    keys = _KEY.findall(run(argv, env={"LC_ALL": "C", "LANGUAGE": "C"}).stdout)
    keys = [key for key in keys if _bare(key[1]) == match[2] and "PERIOD " not in key[2]]
    keys = [key for key in keys if _bare(key[0]) == match[1]] or keys
    if len(keys) != 1:
        return ""
    table, _, columns, other, others = keys[0]
    return f"SELECT {columns} FROM {table} WHERE ({columns}) IS NOT NULL EXCEPT SELECT {others} FROM {other}"  # noqa: S608 - for people


def _bare(identifier: str) -> str:
    """The last part of a name, without its quotes."""
    match = _LAST.search(identifier)
    return (match[1] or match[2]).replace('""', '"') if match else identifier
