"""What is run for a dump: the program's options for this server, and the parts into which a parallel dump is cut."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dbops.engine.base import DumpPlan
from dbops.engine.mysql.tools import Tool, options
from dbops.errors import ConfigError, PreflightError
from dbops.language import msg

SQL = "sql"
PARTS = "sql-parts"
HISTORY = "--dump-history"
SUFFIXES = {"zstd": ".sql.zst", "gzip": ".sql.gz", "none": ".sql"}
_COMPRESSION = re.compile(r"^(none|zstd:(?:[1-9]|1[0-9])|gzip:[1-9])$")
_EVERYTHING = (
    "--single-transaction",
    "--skip-lock-tables",
    "--quick",
    "--hex-blob",
    "--tz-utc",
    "--default-character-set=utf8mb4",
    # The program's own limit is 24 MB a row, less than many servers'.
    "--max-allowed-packet=1G",
    # LOCK TABLES around the rows makes a table whose default draws from a sequence unrestorable (error 1100).
    "--skip-add-locks",
    # Tells on stderr, which nothing buffers, that the snapshot is open, and then each table.
    "--verbose",
)
# Option -> what is given to a program that has it.
_IF_KNOWN = {
    "no-tablespaces": "--no-tablespaces",  # would need the right PROCESS
    "set-gtid-purged": "--set-gtid-purged=OFF",  # else no copy could be loaded beside the original (error 3546)
    "column-statistics": "--column-statistics=0",  # asks for a table that other versions do not have
    "network-timeout": "--network-timeout",  # the server waits for us when a store is slow
}
_ARGV_BYTES = 1_000_000
"""Half of what Linux takes; names of tables are the only part that grows."""
_POINTER_BYTES = 9
"""What each argument costs beside its text: its end, and its place in the list."""
SCHEMA = ("--no-data", "--routines", "--skip-triggers", "--skip-events")
DATA = ("--no-create-info", "--skip-routines", "--skip-triggers", "--skip-events")
AFTER = ("--no-create-info", "--no-data", "--skip-routines", "--triggers", "--events")
WHOLE = ("--routines", "--triggers", "--events")


class Part(NamedTuple):
    """One run of the program: what it is called, its own options, and the tables that are its share (all, if none)."""

    name: str
    options: tuple[str, ...]
    tables: tuple[str, ...] = ()
    rows: bool = True
    """Whether it reads rows, and so must begin in the moment of the backup."""
    named: bool = False
    """Whether its tables are named on its command line, and not the others left out (see `_share`)."""


def plan(tool: Tool, *, jobs: int, compression: str, history: bool = False) -> DumpPlan:
    """What will be run, by the options that the program has. Without `compression`: zstd:1.
    `history`: the former rows of system-versioned tables, too, as far as the program can.

    Raises `ConfigError` for a compression that is none.
    """
    if compression and not _COMPRESSION.match(compression):
        raise ConfigError(
            msg("compression = {compression!r}", compression=compression),
            hint=msg("zstd:1 to zstd:19, gzip:1 to gzip:9, or none"),
        )
    known = options(tool.path)
    argv = [str(tool.path), *_EVERYTHING, *(text for name, text in _IF_KNOWN.items() if name in known)]
    if history and "dump-history" in known:
        argv.append(HISTORY)
    if jobs == 1:
        argv += WHOLE
    form = SQL if jobs == 1 else PARTS
    return DumpPlan(tool.path.name, str(tool.version), tuple(argv), form, compression or "zstd:1", jobs)


def parts(
    plan: DumpPlan,
    database: str,
    tables: Sequence[tuple[str, int]],
    everything: Sequence[str],
    left_out: Sequence[str] = (),
) -> list[Part]:
    """The runs of a plan over a database's tables with their sizes in bytes, without the views `left_out`.
    `everything`: the names of all its tables, views and sequences, as the program will meet them (SHOW TABLES).

    A parallel dump has the tables and views without rows first; the rows in up to `jobs` parts of about one size; and
    what may act on rows (triggers, events) last. Raises `ConfigError` where there are too many tables for that, and
    `PreflightError` where a table cannot be told from a view that is to be left out.
    """
    views = {_as_ignored(view): view for view in left_out}
    for name in everything:
        if name not in left_out and (view := views.get(_as_ignored(name))) is not None:
            raise PreflightError(
                msg("the view {view} cannot be dumped, and {name} would be left out with it", view=view, name=name),
                hint=msg("mend or drop the view: the dump program takes the two names for one"),
                kind="view-not-dumpable",
            )
    without = _without(database, left_out)
    if plan.format == SQL:
        return [Part("", without)]
    shares = _balanced(tables, plan.jobs)
    data = [_share(f"data-{number:02d}", database, share, everything) for number, share in enumerate(shares, start=1)]
    if any(_bytes(part) > _ARGV_BYTES for part in data):
        raise ConfigError(
            msg("{count} tables are too many for a parallel dump", count=len(tables)),
            hint=msg("set jobs = 1"),
            kind="too-many-tables",
        )
    return [Part("schema", (*SCHEMA, *without), rows=False), *data, Part("after", (*AFTER, *without), rows=False)]


def _share(name: str, database: str, share: tuple[str, ...], everything: Sequence[str]) -> Part:
    """The rows of a share. The program looks up each table that it is given by name before it says that its snapshot is
    open (seconds for 2 000 tables, on a server that is locked meanwhile); those that it leaves out cost nothing.

    It takes two names for one that differ by case alone, as table names do not on most servers, and a few others (see
    `_as_ignored`): where it would leave out one of the share with another's, the share is named.
    """
    mine = set(share)
    others = [other for other in everything if other not in mine]
    if {_as_ignored(own) for own in share}.isdisjoint(map(_as_ignored, others)):
        return Part(name, (*DATA, *_without(database, others)), share)
    return Part(name, DATA, share, named=True)


def _as_ignored(name: str) -> bytes:
    """Equal for names of which `--ignore-table` cannot tell one from the other: both products' programs compare the
    bytes of UTF-8 as if they were latin1_swedish_ci (seen on MySQL 9.7, MariaDB 10.11 and 11.8). That collation equates
    letters, of which there are none from 0x80 to 0xBF; all bytes above are one here, which is coarser, and as good."""
    return bytes(min(byte, 0xC0) for byte in name.encode().lower())


def _without(database: str, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"--ignore-table={database}.{name}" for name in names)


def _bytes(part: Part) -> int:
    arguments = (*part.options, *(part.tables if part.named else ()))
    return sum(len(argument.encode()) + _POINTER_BYTES for argument in arguments)


def _balanced(tables: Sequence[tuple[str, int]], jobs: int) -> list[tuple[str, ...]]:
    """The largest first, each to whoever has the least: no share is more than a third larger than it must be."""
    shares: list[tuple[int, list[str]]] = [(0, []) for _ in range(min(jobs, len(tables)))]
    for name, size in sorted(tables, key=lambda table: (-table[1], table[0])):
        least = min(range(len(shares)), key=lambda number: shares[number][0])
        weight, names = shares[least]
        shares[least] = (weight + max(size, 1), [*names, name])
    return [tuple(names) for _, names in sorted(shares, key=lambda share: -share[0])]


def suffix(compression: str) -> str:
    """How the name of a file ends that is compressed so."""
    return SUFFIXES[compression.partition(":")[0]]
