"""Whose container it is, in labels, so that what a killed run has left can be told from what is in use."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from dbops.command import run
from dbops.errors import ToolError

MARK = "dbops.sandbox"
_HOST = f"{MARK}.host"
_BOOT = f"{MARK}.boot"
_PID = f"{MARK}.pid"
_STARTED = f"{MARK}.started"
_SECONDS = 10.0


def labels() -> dict[str, str]:
    """Of a container of this process."""
    return {MARK: "1", _HOST: _host(), _BOOT: _boot(), _PID: str(os.getpid()), _STARTED: _started(os.getpid())}


def is_leftover(of: Mapping[str, str]) -> bool:
    """Whether it belongs to a run on this host that has ended. Of other hosts, and of other containers that share this
    engine, nothing can be known: False."""
    if of.get(MARK) != "1" or of.get(_HOST) != _host():
        return False
    if of.get(_BOOT) != _boot():
        return True
    pid = of.get(_PID, "")
    return not pid.isdigit() or _started(int(pid)) != of.get(_STARTED)


def _host() -> str:
    """With the numbering of processes that we see: containers may share their host's name, but not that."""
    with suppress(OSError):
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - it is not a path
    return socket.gethostname()


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return _said(["sysctl", "-n", "kern.boottime"]) if sys.platform == "darwin" else ""


def _started(pid: int) -> str:
    """When a process began, in the system's own words; '' if there is none of that number."""
    if Path("/proc/self/stat").exists():
        with suppress(OSError, IndexError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return "" if fields[0] in "ZX" else fields[19]
        return ""
    return _said(["ps", "-o", "lstart=", "-p", str(pid)])


def _said(argv: list[str]) -> str:
    with suppress(ToolError):
        return run(argv, timeout=_SECONDS).stdout.strip()
    return ""
