"""A private temporary folder that does not outlive its run: removed at the end, or else by the next run.

A folder is locked (flock) while its process lives, so that what a killed run has left can be told from what is in use.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dbops.command import run
from dbops.errors import ToolError
from dbops.signals import uninterrupted

PREFIX = "dbops-sandbox-"
_LOCK = "lock"
_PID = "server.pid"
_FILES = "files"
_LONGEST = 60
"""Bytes of the path above it: the path of a unix socket is limited to about 100."""
_UNLOCKED_SECONDS = 3600.0
"""Age after which a folder without a lock is no longer one that is just being made."""
_ATTEMPTS = 5


class Folder:
    """One folder below the temporary directory; `path` is enterable, but not readable, for other accounts."""

    def __init__(self, *, shared: bool, base: Path | None = None) -> None:
        """`base`: where it is made, if not where a server's socket can be."""
        base = base or place(shared=shared)
        sweep(base)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        if shared:
            self.path.chmod(0o711)
        self._lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def holds_server(self, pid: int, end: signal.Signals = signal.SIGQUIT) -> None:
        """Tells the next run which process to end, and how, if this one is killed."""
        (self.path / _PID).write_text(f"{pid} {end.name}\n")

    def remove(self) -> None:
        """Raises `OSError` if it cannot be removed; harmless when repeated."""
        _remove(self.path)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


@contextmanager
def temporary_folder(base: Path | None = None) -> Iterator[Path]:
    """A private temporary folder (in `base`, else `TMPDIR`) for files, gone with the block whenever Ctrl-C comes, or
    with the next run.

    That it cannot be removed is no error: it must not hide the one that ended the block.
    """
    folder: Folder | None = None
    try:
        with uninterrupted():
            folder = Folder(shared=False, base=base or Path(tempfile.gettempdir()).resolve())
            files = folder.path / _FILES  # beside the lock: the names in it are not ours
            files.mkdir(mode=0o700)
        yield files
    finally:
        if folder is not None:
            with uninterrupted(), suppress(OSError):
                folder.remove()


def sweep(base: Path) -> None:
    """Ends the servers of runs that were killed and removes their folders: only one's own, never one in use."""
    for path in base.glob(f"{PREFIX}*"):
        with suppress(OSError, ToolError), _dead(path) as dead:
            if dead:
                _end(path)
                _remove(path)


def place(*, shared: bool) -> Path:
    """Where folders are made: the temporary directory, unless its path is too long for a socket or another account
    could not enter it."""
    chosen = Path(tempfile.gettempdir()).resolve()
    fits = len(os.fsencode(chosen)) <= _LONGEST
    if fits and (not shared or all(p.stat().st_mode & stat.S_IXOTH for p in (chosen, *chosen.parents))):
        return chosen
    return Path("/tmp").resolve()  # noqa: S108 - mkdtemp makes a private one in it


@contextmanager
def _dead(path: Path) -> Iterator[bool]:
    """Whether the folder is ours and nobody holds it. It is held for the time of the block."""
    facts = path.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
        yield False
        return
    try:
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        yield time.time() - facts.st_mtime > _UNLOCKED_SECONDS
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(lock)


def _end(path: Path) -> None:
    """Ends the server of a dead run, where the system has not done so: told from others by the folder in its argv."""
    with suppress(FileNotFoundError, ValueError, ProcessLookupError):
        number, _, name = (path / _PID).read_text().strip().partition(" ")
        pid, end = int(number), signal.SIGKILL if name == signal.SIGKILL.name else signal.SIGQUIT
        if str(path) in _command_line(pid):
            os.kill(pid, end)


def _command_line(pid: int) -> str:
    if Path("/proc/self/cmdline").exists():
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
    return run(["ps", "-o", "args=", "-p", str(pid)], timeout=10).stdout


def _remove(path: Path) -> None:
    """A dying server may still write: tried again for a while."""
    for attempt in range(_ATTEMPTS):
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            if not path.exists():
                return
        except OSError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return
        time.sleep(0.2 * attempt)
