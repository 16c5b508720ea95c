"""What differs between MySQL and MariaDB. Which of them a server is, the server says: either scheme reaches either."""

from __future__ import annotations

import re
from typing import NamedTuple


class Flavour(NamedTuple):
    """One of the two products, as a client meets it."""

    name: str
    """As in `EngineInfo.name` and in URLs."""
    title: str
    dump_programs: tuple[str, ...]
    """Names of its dump program, the preferred first. That one is of the right product, its `--version` says."""
    no_time_limit: str
    """Session variables that keep the server from ending a long query."""
    fresh_statistics: str
    """Session variables that keep the server from answering about tables from an old cache; may be empty."""


MYSQL = Flavour(
    name="mysql",
    title="MySQL",
    dump_programs=("mysqldump",),
    no_time_limit="max_execution_time = 0",
    fresh_statistics="information_schema_stats_expiry = 0",
)
MARIADB = Flavour(
    name="mariadb",
    title="MariaDB",
    dump_programs=("mariadb-dump", "mysqldump"),
    no_time_limit="max_statement_time = 0",
    fresh_statistics="",
)
OLDEST = {"mysql": (8, 0), "mariadb": (10, 6)}
"""Versions before have reached the end of their lives, and print or lock in other ways."""


class Version(NamedTuple):
    """`major`, `minor` and `patch` of a server or a program; compares as a tuple."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def flavour_of(version: str, comment: str = "") -> Flavour:
    """By what `VERSION()` and `@@version_comment` say, or a program's `--version`."""
    return MARIADB if "mariadb" in f"{version} {comment}".lower() else MYSQL


def named(name: str) -> Flavour:
    """By `EngineInfo.name`."""
    return MARIADB if name == "mariadb" else MYSQL


def parse_version(text: str) -> Version:
    """`10.11.14-MariaDB-0+deb12u2`, `5.5.5-10.11.14-MariaDB` (what old clients were told), `9.7.4-1`; 0.0.0 if none."""
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text.removeprefix("5.5.5-"))
    return Version(int(match[1]), int(match[2]), int(match[3] or 0)) if match else Version(0, 0)
