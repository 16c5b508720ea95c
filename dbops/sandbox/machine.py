"""What this machine has for a server: memory, processors, room on its disks, locales. Sizes are bytes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from dbops.command import run
from dbops.config.units import format_size
from dbops.errors import ToolError
from dbops.language import msg

ROOM_FACTOR = 2
"""A restored database with the WAL and the sort files of its restore, against its tables and indexes alone."""
_EVERYWHERE = frozenset({"", "c", "posix"})
_CGROUP = Path("/sys/fs/cgroup")
_FALLBACK_MEMORY = 1 << 30


class Machine(NamedTuple):
    """What a server may be tuned to: bytes of memory, and CPUs."""

    memory: int
    """What can still be taken."""
    cpus: int


def this_machine() -> Machine:
    """As it is now, within the limits of a container."""
    return Machine(_memory(), _cpus())


def free_room(folder: Path) -> int:
    """Free bytes of the file system that a folder is on."""
    return shutil.disk_usage(folder).free


def room_needed(data_bytes: int) -> int:
    """What a restore takes at its height, about."""
    return ROOM_FACTOR * data_bytes


def room_lacking(folder: Path, data_bytes: int, setting: str) -> str | None:
    """A phrase that names what is needed, what is free, and the setting of another place; None if it is enough."""
    needed, free = room_needed(data_bytes), free_room(folder)
    if needed <= free:
        return None
    return msg(
        "about {needed} of disk are needed in {folder}, {free} are free (see {setting})",
        needed=format_size(needed),
        folder=folder,
        free=format_size(free),
        setting=setting,
    )


def normalised(locale: str) -> str:
    """`en_US.UTF-8` and `en_US.utf8` are one."""
    name, dot, encoding = locale.partition(".")
    return f"{name}{dot}{re.sub('[^a-z0-9]', '', encoding.lower())}".lower()


def lacking_locales(wanted: Iterable[str], have: Iterable[str]) -> list[str]:
    """Those of `wanted` that are not among `have`, whichever way they are spelt."""
    known = {normalised(name) for name in have} | _EVERYWHERE
    return [name for name in wanted if normalised(name) not in known]


@cache
def locales() -> tuple[str, ...]:
    """Of the operating system's C library; empty where they cannot be listed."""
    try:
        return tuple(run(["locale", "-a"], timeout=10).stdout.split())
    except ToolError:
        return ()


def _memory() -> int:
    """Of the machine, or of the control group that we are in."""
    found = []
    with suppress(OSError, IndexError):
        (line,) = (x for x in Path("/proc/meminfo").read_text().splitlines() if x.startswith("MemAvailable"))
        found.append(int(line.split()[1]) * 1024)
    with suppress(OSError, ValueError):
        limit = int((_CGROUP / "memory.max").read_text())
        found.append(max(0, limit - int((_CGROUP / "memory.current").read_text())))
    if not found:
        with suppress(OSError, ValueError):
            found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
    return min(found, default=_FALLBACK_MEMORY)


def _cpus() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else (os.cpu_count() or 1)
