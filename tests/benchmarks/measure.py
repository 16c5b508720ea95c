"""Runs a command and measures wall time and the peak memory of its own process (not of the tools that it starts)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Measured(NamedTuple):
    seconds: float
    peak_bytes: int


def shell(command: str, environment: Mapping[str, str]) -> Measured:
    """A line of shell, as in a runbook."""
    started = time.monotonic()
    subprocess.run(["/bin/sh", "-c", command], env=dict(environment), check=True, stdout=subprocess.DEVNULL)
    return Measured(time.monotonic() - started, 0)


_REPORT_PEAK = """
import resource, sys
from dbops.cli import main
sys.argv[0] = "dbops"
try:
    main()
finally:
    with open({path!r}, "w") as file:
        file.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))
"""


def child(arguments: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """`dbops` with these arguments in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "peak"
        argv = [sys.executable, "-c", _REPORT_PEAK.format(path=str(path)), *arguments]
        started = time.monotonic()
        done = subprocess.run(argv, env=dict(environment), capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        if done.returncode != 0:
            sys.exit(f"dbops {' '.join(arguments[:1])} failed:\n{done.stdout}\n{done.stderr}")
        return Measured(seconds, int(path.read_text()) if path.exists() else 0)


def disk_sync() -> None:
    """Lets what an earlier measurement has written reach the disk before the next one begins."""
    os.sync()
