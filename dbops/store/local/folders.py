"""Walking below a root with file descriptors, so that no symbolic link planted in a store is ever followed."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

WORK_PREFIX = ".work-"
PART = re.compile(r"^\.(?P<name>.+)\.[0-9a-f]{16}\.part$", re.DOTALL)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_MODE = 0o700


class Found(NamedTuple):
    """Something below the root: its key, its folder (an open descriptor, valid until the walk goes on), its entry."""

    key: str
    folder: int
    entry: os.DirEntry[str]


def is_temporary(name: str) -> bool:
    """Is this the name of a half-written file or of a workspace?"""
    return name.startswith(WORK_PREFIX) or PART.match(name) is not None


@contextmanager
def folder(root: Path, parents: Sequence[str], *, create: bool = False) -> Iterator[int]:
    """A descriptor of the folder `parents` below `root`. Made (0700, flushed to disk) if it is not there and `create`.

    Raises `OSError`: ENOENT, and ENOTDIR or ELOOP for a symbolic link below the root.
    """
    here = _open_root(root, create=create)
    try:
        for name in parents:
            above, here = here, _step(here, name, create=create)
            os.close(above)
        yield here
    finally:
        os.close(here)


def _open_root(root: Path, *, create: bool) -> int:
    while True:
        try:
            return os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            if not create:
                raise
            root.mkdir(_MODE, parents=True, exist_ok=True)
            with suppress(PermissionError):  # a parent that may be passed through, but not read
                parent = os.open(root.parent, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    os.fsync(parent)
                finally:
                    os.close(parent)


def _step(here: int, name: str, *, create: bool) -> int:
    while True:
        try:
            return os.open(name, _FOLDER, dir_fd=here)
        except FileNotFoundError:
            if not create:
                raise
            with suppress(FileExistsError):
                os.mkdir(name, _MODE, dir_fd=here)
                os.fsync(here)


def prune(root: Path, parents: Sequence[str]) -> None:
    """Removes the folder `parents` and those above it, up to the root, as far as they are empty."""
    with suppress(OSError):
        for depth in range(len(parents), 0, -1):
            with folder(root, parents[: depth - 1]) as above:
                os.rmdir(parents[depth - 1], dir_fd=above)


def walk(root: Path, prefix: str) -> Iterator[Found]:
    """All below `root` that is not a folder (workspaces count as one thing) where keys with `prefix` may be."""
    with folder(root, []) as top:
        yield from _walk(top, "", prefix)


def _walk(here: int, base: str, prefix: str) -> Iterator[Found]:
    with os.scandir(here) as entries:
        for entry in entries:
            # Names that are not UTF-8 cannot be keys, but must not break whoever prints them.
            key = base + os.fsencode(entry.name).decode("utf-8", "replace")
            if is_temporary(entry.name) or not entry.is_dir(follow_symlinks=False):
                yield Found(key, here, entry)
            elif f"{key}/".startswith(prefix) or prefix.startswith(f"{key}/"):
                try:
                    below = os.open(entry.name, _FOLDER, dir_fd=here)
                except FileNotFoundError:
                    continue  # removed since the folder was read
                try:
                    yield from _walk(below, f"{key}/", prefix)
                finally:
                    os.close(below)


def hold(descriptor: int) -> None:
    """Marks a temporary file or workspace as in use until its descriptor is closed, however its process ends."""
    with suppress(OSError):  # no flock here (some network file systems): then nothing is marked
        fcntl.flock(descriptor, fcntl.LOCK_SH)


def is_held(found: Found) -> bool:
    """Is a living process still writing this?"""
    try:
        descriptor = os.open(found.entry.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=found.folder)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
