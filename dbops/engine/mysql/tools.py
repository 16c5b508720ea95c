"""Which dump program: found on this machine, known by what it says of itself, chosen by what the server is.

Its name tells nothing: `mysqldump` is MariaDB's program on many systems, and the two do not dump each other's servers
faithfully. Which options it has is read from its own help, never guessed from a version.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from dbops.command import run
from dbops.engine.mysql.flavour import MARIADB, MYSQL, Flavour, Version, flavour_of, named, parse_version
from dbops.errors import PreflightError
from dbops.language import msg

_DISTRIBUTION_PATHS = (
    "/usr/bin",
    "/usr/local/bin",
    "/usr/local/mysql*/bin",  # Oracle's archives and its installer for macOS
    "/opt/mysql*/bin",
    "/opt/mariadb*/bin",
    "/opt/homebrew/bin",
    "/opt/homebrew/opt/mysql*/bin",  # mysql, mysql-client, mysql@8.4
    "/opt/homebrew/opt/mariadb*/bin",
    "/usr/local/opt/mysql*/bin",
    "/usr/local/opt/mariadb*/bin",
)
# `mysqldump  Ver 9.7.4 for Linux`; `mysqldump  Ver 10.13 Distrib 5.7.44, for …`;
# `mariadb-dump  Ver 10.19 Distrib 10.11.14-MariaDB, for …`; `mariadb-dump from 11.8.3-MariaDB, client 10.20 for …`
_VERSIONS = (
    re.compile(r"\bDistrib (\d+\.\d+\.\d+)"),
    re.compile(r"\bfrom (\d+\.\d+\.\d+)"),
    re.compile(r"\bVer (\S+)"),
)
_OPTION = re.compile(r"--([a-z][a-z0-9-]+)")
_PACKAGES = {"mysql": "mysql-client", "mariadb": "mariadb-client"}
_NAMES = tuple(dict.fromkeys(name for flavour in (MARIADB, MYSQL) for name in flavour.dump_programs))
_SECONDS = 30


class Tool(NamedTuple):
    """One dump program."""

    path: Path
    flavour: str
    """As in `Flavour.name`."""
    version: Version

    def __str__(self) -> str:
        return f"{named(self.flavour).title} {self.version} at {self.path}"

    @property
    def series(self) -> tuple[int, int]:
        return self.version[:2]


def installed(configured: Path | None = None) -> list[Tool]:
    """All dump programs of this machine, those in PATH first. With a configured folder, only those in it.

    Raises `PreflightError` when the configured folder has none.
    """
    found: dict[Path, Tool] = {}
    for folder in _folders() if configured is None else [configured]:
        for path in (folder / name for name in _NAMES):
            # Asked under one name only: a folder may be in PATH twice, and hold a program twice.
            if (file := Path(os.path.realpath(path))) not in found and (tool := _probe(path)) is not None:
                found[file] = tool
    if configured is not None and not found:
        message = msg("bindir {configured} has neither a mysqldump nor a mariadb-dump that runs", configured=configured)
        raise PreflightError(message, hint=msg("correct bindir in dbops.toml"), kind="tool-missing")
    return list(found.values())


def for_server(flavour: Flavour, version: Version, found: Sequence[Tool]) -> Tool:
    """The program to dump a server: of the same product and series if there is one, else of the next newer series.

    An older one may not know what the server has, and leaves it out or ends half-way. Raises `PreflightError` of kind
    'tool-missing' or 'tool-too-old', saying what to install.
    """
    own = [tool for tool in found if tool.flavour == flavour.name]
    fit = sorted(
        (tool for tool in own if tool.series >= version[:2]), key=lambda tool: (tool.series, -tool.version.patch)
    )
    if fit:
        return fit[0]
    wanted, program = f"{flavour.title} {version.major}.{version.minor}", flavour.dump_programs[0]
    have = ", ".join(sorted({str(tool) for tool in found})) or "none"
    package = _PACKAGES[flavour.name]
    hint = msg(
        "install the client programs of {wanted} ({package}; apt, dnf, brew), or set bindir in dbops.toml",
        wanted=wanted,
        package=package,
    )
    if own:
        raise PreflightError(
            msg(
                "the server is {wanted}, and no {program} of that series or newer is here (found: {have})",
                wanted=wanted,
                program=program,
                have=have,
            ),
            hint=hint,
            kind="tool-too-old",
        )
    raise PreflightError(
        msg(
            "the server is {wanted}, and no {program} of {flavour} is here (found: {have})",
            wanted=wanted,
            program=program,
            flavour=flavour.title,
            have=have,
        ),
        hint=msg("{hint}; the other product's program does not dump this server faithfully", hint=hint),
        kind="tool-missing",
    )


@cache
def options(path: Path) -> frozenset[str]:
    """The options that a program knows, without their dashes, from its own help."""
    # MySQL's prints a few lines unless asked for more; to MariaDB's, --verbose makes no difference here.
    result = run([str(path), "--no-defaults", "--help", "--verbose"], env=_environment(), timeout=_SECONDS)
    return frozenset(_OPTION.findall(result.stdout))


def _folders() -> Iterator[Path]:
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if folder:
            yield Path(folder)
    for pattern in _DISTRIBUTION_PATHS:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)


@cache
def _probe(path: Path) -> Tool | None:
    """What a program is; None if it is not there, does not run or says nothing that is known."""
    try:
        if not path.is_file() or not os.access(path, os.X_OK):
            return None
    except OSError:  # a folder that this user may not look into
        return None
    result = run([str(path), "--no-defaults", "--version"], env=_environment(), timeout=_SECONDS)
    match = next((match for pattern in _VERSIONS if (match := pattern.search(result.stdout))), None)
    if result.status != 0 or match is None:
        return None
    return Tool(path, flavour_of(result.stdout).name, parse_version(match[1]))


def _environment() -> dict[str, str]:
    kept = {name: value for name in ("PATH", "LD_LIBRARY_PATH") if (value := os.environ.get(name))}
    return kept | {"LC_ALL": "C"}
