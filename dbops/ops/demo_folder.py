"""The one folder that a demo leaves: the next demo in the same place replaces it, a demo that fails removes it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dbops.errors import ConfigError, LockedError, RefusedError
from dbops.language import msg

MARK = ".dbops-demo"
"""The file that says whose folder it is. It is locked (flock) while a demo is at work."""


@contextmanager
def kept(folder: Path) -> Iterator[Path]:
    """The empty folder, ours alone; it stays if the block ends well.

    Raises `RefusedError` if something else lies there, `LockedError` if another demo is at work in it, `ConfigError`
    if it cannot be made.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow a link, which is refused
    _refuse_foreign(folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / MARK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        hint = msg("give --folder with a place that may be written")
        raise ConfigError(
            msg("{folder} cannot be made: {reason}", folder=folder, reason=error.strerror),
            hint=hint,
            kind="demo-folder",
        ) from None
    try:
        _hold(lock, folder)
        _empty(folder)
        yield folder
    except LockedError:
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        os.close(lock)


def _refuse_foreign(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        found = msg("not a folder")
    elif folder.is_dir() and not (folder / MARK).is_file() and any(folder.iterdir()):
        found = msg("not empty, and no demo made it")
    else:
        return
    hint = msg("nothing was changed; move it away, or give --folder with another place")
    raise RefusedError(msg("{folder} is {found}", folder=folder, found=found), hint=hint, kind="demo-folder")


def _hold(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        hint = msg("wait until it ends, or give --folder with another place")
        raise LockedError(
            msg("another demo is at work in {folder}", folder=folder), hint=hint, kind="demo-running"
        ) from None


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARK:
            path.unlink()
    (folder / ".gitignore").write_text("*\n")
