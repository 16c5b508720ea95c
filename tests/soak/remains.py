"""What runs of dbops have left on the machine: processes and files."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

MARK = "DBOPS_SOAK"
"""A variable that all of our runs, and what they start, have in their environment."""


def living(mark: str) -> dict[int, str]:
    """Processes of runs with this mark: number and command line. Zombies are dead."""
    found = {}
    wanted = f"{MARK}={mark}".encode()
    for place in Path("/proc").iterdir():
        with suppress(OSError):
            if place.name.isdigit() and wanted in (place / "environ").read_bytes().split(b"\0"):
                found[int(place.name)] = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return found


def kill(pid: int) -> bool:
    """SIGKILL; whether there was still such a process."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
