"""The order in which an archive is loaded, where pg_restore's own would change or refuse what is loaded."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from dbops.command import run
from dbops.engine.postgres.tools import Tools
from dbops.errors import ToolError
from dbops.language import msg

_ENTRY = re.compile(r"^(\d+); \d+ \d+ (.*)$", re.MULTILINE)
_ATTACHED = re.compile(
    r"^ALTER TABLE ONLY (.+?) ATTACH PARTITION (.+?) (?:FOR VALUES|DEFAULT)", re.MULTILINE | re.DOTALL
)
_FIRES = ("CREATE TRIGGER ", "CREATE CONSTRAINT TRIGGER ", " FOREIGN KEY ")
_MATERIALIZED = "MATERIALIZED VIEW "
_PRIVILEGES = ("ACL ", "DEFAULT ACL ")
_NEEDS_INDEXES = ("FK CONSTRAINT ", "COMMENT ", "SECURITY LABEL ", "MATERIALIZED VIEW DATA ", *_PRIVILEGES)
_EVENTS = ("EVENT TRIGGER ", "COMMENT - EVENT TRIGGER ", "SECURITY LABEL - EVENT TRIGGER ")
_ROWS, _LATE, _ATTACH, _AFTER, _EVENT = range(5)


class Pass(NamedTuple):
    """One run of pg_restore: the list of what it loads (None: everything), and whether workers may go side by side."""

    entries: bytes | None
    parallel: bool


def passes(tools: Tools, archive: Path, *, parallel: bool) -> tuple[Pass, ...]:
    """In one run, as pg_restore likes it, unless one of these is in the archive.

    Parallel workers begin what comes after the rows as soon as what it names is there. A trigger of a partitioned
    table names that table alone, and fires for the rows of its partitions, which are still to come; a constraint that
    is not valid refuses them, a foreign key looks up each. So there all rows come first.

    Where partitions have partitions, two workers that attach an index each may not see one another, and the index at
    the top stays invalid (validatePartitionedIndex in tablecmds.c gives its lock back before it commits). So indexes
    are attached one after the other, and what needs a valid index follows.

    Event triggers come last: they may forbid to refresh a materialized view, which pg_restore does after them.
    """
    listed = _ENTRY.findall(_said(tools, archive, "--list"))
    events_last = all(any(entry.startswith(kind) for _, entry in listed) for kind in ("EVENT TRIGGER ", _MATERIALIZED))
    nested = rows_first = False
    if parallel:
        nested, rows_first = _side_by_side(_said(tools, archive, "--schema-only", "--file=-"))
    if not (rows_first or events_last):
        return (Pass(None, parallel),)
    late = dict(_ENTRY.findall(_said(tools, archive, "--list", "--section=post-data"))) if rows_first else {}
    groups: list[list[str]] = [[] for _ in range(_EVENT + 1)]

    def place(number: str, entry: str) -> int:
        if events_last and entry.startswith(_EVENTS):
            return _EVENT
        # Privileges come after keys and constraints: an owner may have none on its own table.
        if not rows_first or not (number in late or entry.startswith(_PRIVILEGES)):
            return _ROWS
        if nested and entry.startswith("INDEX ATTACH "):
            return _ATTACH
        return _AFTER if nested and entry.startswith(_NEEDS_INDEXES) else _LATE

    for number, entry in listed:
        groups[place(number, entry)].append(f"{number};\n")
    lists = ["".join(group).encode() for group in groups]
    if not parallel:
        return (Pass(b"".join(lists), False),)
    return tuple(Pass(entries, number != _ATTACH) for number, entries in enumerate(lists) if entries)


def _side_by_side(schema: str) -> tuple[bool, bool]:
    """What stands against workers side by side: partitions of partitions; and all that wants the rows first."""
    attached = _ATTACHED.findall(schema)
    nested = bool({parent for parent, _ in attached} & {child for _, child in attached})
    fires = bool(attached) and any(words in schema for words in _FIRES)
    return nested, nested or fires or " NOT VALID;" in schema


@contextmanager
def selected(entries: bytes | None) -> Iterator[tuple[list[str], int | IO[bytes]]]:
    """Arguments and standard input of a pg_restore that loads those entries. The list is a file without a name."""
    if entries is None:
        yield [], subprocess.DEVNULL
        return
    with tempfile.TemporaryFile(prefix="dbops-") as file:
        file.write(entries)
        file.seek(0)
        yield ["--use-list=/dev/stdin"], file


def _said(tools: Tools, archive: Path, *arguments: str) -> str:
    result = run([tools.program("pg_restore"), *arguments, str(archive)], env={"LC_ALL": "C", "LANGUAGE": "C"})
    if result.status != 0:
        raise ToolError(msg("pg_restore cannot read the archive"), hint=result.stderr, kind="tool-failed")
    return result.stdout
