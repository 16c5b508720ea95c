"""Runs `check` as its users do, in a process of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.backups import Backup
from tests.restoring import DBOPS, ROOT


def run(folder: Path, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )


def check(
    folder: Path, backed: Backup, sandbox: str, *flags: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Over the store of a backup; its reports are in `folder`."""
    store = f"--store={backed.catalog.store.url}"
    return run(folder, *DBOPS, "check", store, f"--sandbox={sandbox}", "--json", *flags, **environment)
