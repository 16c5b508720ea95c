"""Runs a command and measures wall time and the peak memory of its own process (not of the tools that it starts)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Measured(NamedTuple):
    """`seconds`: the whole command. `dump_seconds`: from the dump program's start until the store has all of it.
    `server_seconds`: what a store's server took of the processors meanwhile."""

    seconds: float
    peak_bytes: int = 0
    dump_seconds: float = 0.0
    server_seconds: float | None = None


HEAD = (
    f"| {'what':<63} | ours, s | plain,s | ratio | bound | MiB    | server |\n"
    f"|{'-' * 65}|--------:|--------:|------:|------:|-------:|-------:|"
)


class Ratio(NamedTuple):
    """One line of the table: seconds of ours and of the plain tool, their ratio, and the bound that it should keep.
    `most_mib`: what the memory of our process should keep."""

    name: str
    ours: Measured
    plain: Measured
    bound: float | None = None
    most_mib: float | None = None

    def __str__(self) -> str:
        ratio = self.ours.seconds / self.plain.seconds
        bound = f"{self.bound:.2f}" if self.bound else "-"
        mark = "" if self.bound is None or ratio <= self.bound else "  OVER"
        if self.most_mib is not None and self.ours.peak_bytes > self.most_mib * 2**20:
            mark += f"  OVER {self.most_mib:.0f} MiB"
        memory = f"{self.ours.peak_bytes / 2**20:.0f}"
        server = f"{self.ours.server_seconds:.1f}" if self.ours.server_seconds else "-"
        return (
            f"| {self.name:<63} | {self.ours.seconds:7.2f} | {self.plain.seconds:7.2f} | {ratio:5.2f} | {bound:>5} "
            f"| {memory:>6} | {server:>6} |{mark}"
        )


def best(rounds: int, *runs: Callable[[], Measured]) -> list[Measured]:
    """The shortest of each, over all rounds. They take turns, so that what disturbs the machine meets all."""
    each = [[run() for run in runs] for _ in range(rounds)]
    return [min(measured, key=lambda one: one.seconds) for measured in zip(*each, strict=True)]


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
    from dbops.engine.{engine}.dump import Dump
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


def child(
    arguments: Sequence[str], environment: Mapping[str, str], *, engine: str = "postgres", said: Path | None = None
) -> Measured:
    """`dbops` with these arguments in a process of its own. `engine`: the package whose dump is timed. `said`: where
    its output is kept."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        argv = [sys.executable, "-c", _REPORT.format(path=str(path), engine=engine), *arguments]
        started = time.monotonic()
        # An installed package has its compiled files.
        settings = {**environment, "PYTHONDONTWRITEBYTECODE": ""}
        done = subprocess.run(argv, env=settings, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        if done.returncode != 0:
            sys.exit(f"dbops {' '.join(arguments[:1])} failed:\n{done.stdout}\n{done.stderr}")
        if said is not None:
            said.write_text(done.stdout)
        return Measured(seconds, *json.loads(path.read_text()))
