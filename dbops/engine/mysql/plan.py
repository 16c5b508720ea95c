"""What is run for a dump: the program's options for this server, and the parts into which a parallel dump is cut."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from dbops.engine.base import DumpPlan
from dbops.engine.mysql.tools import Tool, options
from dbops.errors import ConfigError
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
SCHEMA = ("--no-data", "--routines", "--skip-triggers", "--skip-events")
DATA = ("--no-create-info", "--skip-routines", "--skip-triggers", "--skip-events")
AFTER = ("--no-create-info", "--no-data", "--skip-routines", "--triggers", "--events")
WHOLE = ("--routines", "--triggers", "--events")


class Part(NamedTuple):
    """One run of the program: what it is called, its own options, and the tables it is limited to (all, if none)."""

    name: str
    options: tuple[str, ...]
    tables: tuple[str, ...] = ()
    rows: bool = True
    """Whether it reads rows, and so must begin in the moment of the backup."""


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


def parts(plan: DumpPlan, tables: Sequence[tuple[str, int]], left_out: Sequence[str] = ()) -> list[Part]:
    """The runs of a plan over tables with their sizes in bytes, without the views `left_out` (`database.view`).

    A parallel dump has the tables and views without rows first; the rows in up to `jobs` parts of about one size; and
    what may act on rows (triggers, events) last. Raises `ConfigError` where there are too many tables for that.
    """
    without = tuple(f"--ignore-table={name}" for name in left_out)
    if plan.format == SQL:
        return [Part("", without)]
    if sum(len(name.encode()) + 1 for name, _ in tables) > _ARGV_BYTES:
        raise ConfigError(
            msg("{count} tables are too many for a parallel dump", count=len(tables)),
            hint=msg("set jobs = 1"),
            kind="too-many-tables",
        )
    shares = _balanced(tables, plan.jobs)
    data = [Part(f"data-{number:02d}", DATA, share) for number, share in enumerate(shares, start=1)]
    return [Part("schema", (*SCHEMA, *without), rows=False), *data, Part("after", (*AFTER, *without), rows=False)]


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
