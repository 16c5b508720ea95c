"""PostgreSQL servers that lie on this machine, and what each of them lacks for a certain backup."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from dbops.command import run
from dbops.errors import ToolError
from dbops.language import msg
from dbops.model import major_version
from dbops.sandbox.base import Needs
from dbops.sandbox.machine import lacking_locales, locales

_FOLDERS = (
    "/usr/lib/postgresql/*/bin",  # Debian
    "/usr/pgsql-*/bin",  # Red Hat
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/usr/local/pgsql/bin",
)
_SECONDS = 30.0
_ICU = b"ucol_open"  # a function of ICU that every server built with it calls, on whatever platform
_BUILT_IN = frozenset({"plpgsql"})


class Installation(NamedTuple):
    """A folder with `postgres` and `initdb`, and where these find the rest."""

    bindir: Path
    sharedir: Path
    libdir: Path
    version: str

    @property
    def major(self) -> int:
        return major_version(self.version)


def installation(bindir: Path) -> Installation | None:
    """The server in that folder; None if there is none that works, or only client programs."""
    if not all(os.access(bindir / name, os.X_OK) for name in ("postgres", "initdb")):
        return None
    try:
        found = re.search(r"\(PostgreSQL\) (\d\S*)", run([str(bindir / "postgres"), "-V"], timeout=_SECONDS).stdout)
    except ToolError:
        return None
    if found is None:
        return None
    share = _holding("postgres.bki", _shares(bindir, major_version(found[1])))
    lib = _holding("plpgsql.*", _libraries(bindir))
    return Installation(bindir, share, lib, found[1]) if share and lib else None


def installations(first: Path | None) -> list[Installation]:
    """All of this machine: in `first`, on the PATH, and where systems put them; each folder once."""
    folders = [first] if first else []
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    for pattern in _FOLDERS:
        folders += sorted(Path("/").glob(pattern.removeprefix("/")), reverse=True)
    unique = {folder.resolve(): folder for folder in reversed(folders)}
    return [found for folder in reversed(unique.values()) if (found := installation(folder))]


def lacks(found: Installation, needs: Needs) -> list[str]:
    """What this server lacks for the backup, each a phrase."""
    lacking = []
    missing = [name for name in needs.extensions if name not in _BUILT_IN and not _has_extension(found, name)]
    if missing:
        lacking.append(
            msg("no extension {missing} in {folder}", missing=", ".join(missing), folder=found.sharedir / "extension")
        )
    missing = [name for name in needs.preload if not _has_library(found, name)]
    if missing:
        lacking.append(
            msg(
                "no library {missing} in {libdir} (shared_preload_libraries)",
                missing=", ".join(missing),
                libdir=found.libdir,
            )
        )
    if needs.icu and not _has_icu(found):
        lacking.append(msg("built without ICU, which the database's collation is one of"))
    missing = lacking_locales(needs.locales, locales())
    if missing:
        lacking.append(msg("no locale {missing} on this machine (see `locale -a`)", missing=", ".join(missing)))
    return lacking


def _has_extension(found: Installation, name: str) -> bool:
    return (found.sharedir / "extension" / f"{name}.control").exists()


def _has_library(found: Installation, name: str) -> bool:
    if "/" in name.removeprefix("$libdir/"):
        return Path(name).exists() or any(Path(f"{name}{suffix}").exists() for suffix in (".so", ".dylib"))
    return any((found.libdir / f"{name.removeprefix('$libdir/')}{suffix}").exists() for suffix in (".so", ".dylib", ""))


def _has_icu(found: Installation) -> bool:
    return _ICU in (found.bindir / "postgres").read_bytes()  # some 10 MB


def _shares(bindir: Path, major: int) -> Iterator[Path]:
    yield from _told(bindir, "--sharedir")
    prefix = bindir.parent
    yield from (prefix / "share", prefix / "share/postgresql", prefix / f"share/postgresql@{major}")
    yield Path(f"/usr/share/postgresql/{major}")


def _libraries(bindir: Path) -> Iterator[Path]:
    yield from _told(bindir, "--pkglibdir")
    prefix = bindir.parent
    yield from (prefix / "lib", prefix / "lib/postgresql")


def _told(bindir: Path, option: str) -> Iterator[Path]:
    """What `pg_config` of the same folder says, where there is one."""
    program = bindir / "pg_config"
    if program.exists():
        try:
            told = run([str(program), option], timeout=_SECONDS).stdout.strip()
        except ToolError:
            return
        if told:
            yield Path(told)


def _holding(pattern: str, folders: Iterable[Path]) -> Path | None:
    return next((folder for folder in folders if any(folder.glob(pattern))), None)
