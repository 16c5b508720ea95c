"""Runs a command and measures wall time and the peak memory of its own process (not of the tools that it starts)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Measured(NamedTuple):
    """`seconds`: the whole command. `dump_seconds`: from pg_dump's start until the store has published all of it.
    `server_seconds`: what a store's server took of the processors meanwhile."""

    seconds: float
    peak_bytes: int = 0
    dump_seconds: float = 0.0
    server_seconds: float | None = None


def shell(command: str, environment: Mapping[str, str]) -> Measured:
    """A line of shell, as in a runbook."""
    started = time.monotonic()
    subprocess.run(["/bin/sh", "-c", command], env=dict(environment), check=True, stdout=subprocess.DEVNULL)
    return Measured(time.monotonic() - started)


_REPORT = """
import json, resource, sys, time
from dbops.cli import main
sys.argv[0] = "dbops"
dump_seconds = 0.0
if sys.argv[1] == "backup":
    from dbops.engine.postgres.dump import Dump
    run = Dump.run
    def timed(self, name):
        global dump_seconds
        started = time.monotonic()
        try:
            return run(self, name)
        finally:
            dump_seconds = time.monotonic() - started
    Dump.run = timed
try:
    main()
finally:
    with open({path!r}, "w") as file:
        json.dump([resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, dump_seconds], file)
"""


def child(arguments: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """`dbops` with these arguments in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        argv = [sys.executable, "-c", _REPORT.format(path=str(path)), *arguments]
        started = time.monotonic()
        done = subprocess.run(argv, env=dict(environment), capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        if done.returncode != 0:
            sys.exit(f"dbops {' '.join(arguments[:1])} failed:\n{done.stdout}\n{done.stderr}")
        return Measured(seconds, *json.loads(path.read_text()))
