"""MySQL and MariaDB servers that lie on this machine, and what each of them lacks for a certain backup."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dbops.command import run
from dbops.errors import ToolError
from dbops.language import msg
from dbops.sandbox.base import Needs
from dbops.sandbox.mysql.product import MARIADB, PRODUCTS, Product, major_of, number_of, product_of, series_of
from dbops.sandbox.mysql.settings import birth

_FOLDERS = (
    "/usr/sbin",  # Debian and Red Hat
    "/usr/libexec",  # Red Hat's own packages
    "/usr/bin",  # Arch, Alpine
    "/usr/local/mysql/bin",
    "/usr/local/mariadb/bin",
    "/opt/mysql*/bin",
    "/opt/mariadb*/bin",
    "/opt/homebrew/opt/mysql*/bin",
    "/opt/homebrew/opt/mariadb*/bin",
    "/usr/local/opt/mysql*/bin",
    "/usr/local/opt/mariadb*/bin",
)
_INSTALLER = "mariadb-install-db"
_SECONDS = 30.0


class Installation(NamedTuple):
    """A server program, and the one that makes a data folder for it (MySQL's server does that itself)."""

    product: Product
    version: str
    server: Path
    installer: Path | None

    @property
    def series(self) -> str:
        return series_of(self.version)

    @property
    def major(self) -> int:
        return major_of(self.version)

    @property
    def basedir(self) -> Path:
        """The folder that the rest is below of. Programs that are not where they were built for must be told."""
        return self.server.parent.parent


def installation(server: Path) -> Installation | None:
    """The server that this program is; None if it does not run, or is something else."""
    if not os.access(server, os.X_OK):
        return None
    try:
        said = run([str(server), "--no-defaults", "--version"], timeout=_SECONDS).stdout
    except ToolError:
        return None
    found = re.search(r"\bVer (\d\S*)", said)  # before it stands the program's path, which may hold any word
    if found is None:
        return None
    version, product = number_of(found[1]), product_of(found[1])
    return Installation(product, version, server, _installer(server) if product is MARIADB else server)


def installations(first: Path | None) -> list[Installation]:
    """All of this machine: beside the client programs in `first`, on the PATH, and where systems put them; each program
    once."""
    programs = sorted({program for product in PRODUCTS.values() for program in product.programs})  # `mariadbd` first
    unique: dict[Path, Path] = {}
    for folder in _folders(first):
        for program in programs:
            path = folder / program
            if path.exists():
                unique.setdefault(path.resolve(), path)
    return [found for path in unique.values() if (found := installation(path))]


def lacks(found: Installation, needs: Needs, place: Path) -> list[str]:
    """What this server lacks for the backup in a folder below `place`, each a phrase."""
    lacking = []
    if found.installer is None:
        lacking.append(msg("there is no {program} beside {server}", program=_INSTALLER, server=found.server))
    if birth(needs).get("lower-case-table-names") == "0" and not _minds_case(place):
        lacking.append(
            msg(
                "the file system of {place} takes A for a, which the source does not (lower_case_table_names)",
                place=place,
            )
        )
    return lacking


def _folders(first: Path | None) -> Iterator[Path]:
    if first is not None:
        yield from (first, first.parent / "sbin", first.parent / "libexec")
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if folder:
            yield Path(folder)
    for pattern in _FOLDERS:
        yield from sorted(Path("/").glob(pattern.removeprefix("/")), reverse=True)


def _installer(server: Path) -> Path | None:
    prefix = server.parent.parent
    for folder in (server.parent, prefix / "bin", prefix / "scripts"):
        if os.access(folder / _INSTALLER, os.X_OK):
            return folder / _INSTALLER
    on_path = shutil.which(_INSTALLER)
    return Path(on_path) if on_path else None


def _minds_case(place: Path) -> bool:
    return not Path(str(place).swapcase()).exists()
