"""What the operating system says about a folder, as errors that name the folder, its owner and the way out."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dbops.errors import StoreError, StoreFullError
from dbops.language import msg


@contextmanager
def translated(root: Path, path: Path, doing: str, *, written: int = 0) -> Iterator[None]:
    """Turns an `OSError` inside the block into a `StoreError`; the arguments are those of `store_error`."""
    try:
        yield
    except OSError as error:
        raise store_error(error, root, path, doing, written, written) from error


def store_error(error: OSError, root: Path, path: Path, doing: str, written: int, needed: int) -> StoreError:
    """An `OSError` as a `StoreError`. `doing` reads like 'writing a/b'.

    `written`: bytes of the object that the file system had taken; `needed`: bytes of it that there are at least.
    """
    match error.errno:
        case errno.ENOSPC:
            return _full(root, path, doing, written, needed)
        case errno.EDQUOT:
            return StoreFullError(
                msg(
                    "{doing}: the disk quota of user {user} in {root} is used up after {written:,} bytes",
                    doing=doing,
                    user=_user(os.geteuid()),
                    root=root,
                    written=written,
                ),
                hint=msg(
                    "raise the quota (see `quota`), remove old backups (`prune`), or move the store to another disk"
                ),
                kind="quota",
            )
        case errno.EACCES | errno.EPERM:
            return _denied(path, doing)
        case errno.ENOENT if not root.exists():
            return StoreError(
                msg("{doing}: there is no folder {root}", doing=doing, root=root),
                hint=msg("the first backup makes it; if there was one: is the disk mounted, is the store's url right?"),
                kind="not-found",
            )
        case errno.ENOENT:
            return StoreError(
                msg("{doing}: there is no {path}", doing=doing, path=path),
                hint=msg("list the store to see what is there"),
                kind="not-found",
            )
        case errno.ELOOP | errno.ENOTDIR:
            return _in_the_way(root, path, doing)
        case errno.EEXIST if dangling := next((p for p in (root, *root.parents) if _dangles(p)), None):
            return StoreError(
                msg(
                    "{doing}: {dangling} is a symbolic link to {readlink}, which is not there",
                    doing=doing,
                    dangling=dangling,
                    readlink=dangling.readlink(),
                ),
                hint=msg("is the disk mounted? Else make that folder, or set the store's url to another one"),
                kind="not-found",
            )
        case errno.EROFS:
            message = msg("{doing}: the file system of {root} is mounted read-only", doing=doing, root=root)
            return StoreError(message, hint=msg("see `mount` and `dmesg`"), kind="read-only")
        case errno.ENAMETOOLONG:
            message = msg("{doing}: the file system of {root} does not take so long a name", doing=doing, root=root)
            return StoreError(message, hint=msg("it limits names to 255 bytes, as a rule"), kind="name-too-long")
        case _:
            return StoreError(
                msg("{doing}: {reason} ({path})", doing=doing, reason=error.strerror or error, path=path),
                hint=msg("the system's log may say more"),
            )


def _full(root: Path, path: Path, doing: str, written: int, needed: int) -> StoreFullError:
    """Free space is counted with what this write had taken already: that goes back when the write is undone."""
    try:
        status = os.statvfs(next(folder for folder in (path, *path.parents) if folder.exists()))
        free = msg("{f_bavail:,} bytes were free", f_bavail=status.f_bavail * status.f_frsize + written)
    except OSError:
        free = msg("free space unknown")
    return StoreFullError(
        msg(
            "{doing}: the file system of {root} is full: at least {needed:,} bytes are needed, {free}",
            doing=doing,
            root=root,
            needed=needed,
            free=free,
        ),
        hint=msg("remove old backups (`prune`) or other files there, or set the store's url to a larger file system"),
    )


def _denied(path: Path, doing: str) -> StoreError:
    culprit = _culprit(path)
    me = _user(os.geteuid())
    try:
        status = culprit.stat(follow_symlinks=False)
    except OSError:
        return StoreError(
            msg("{doing}: {me} may not use {culprit}", doing=doing, me=me, culprit=culprit),
            hint=msg("check its owner and mode"),
            kind="permission",
        )
    owner, mode = _user(status.st_uid), stat.S_IMODE(status.st_mode)
    if os.geteuid() in (0, status.st_uid):
        hint = msg(
            "see `ls -ld '{culprit}'`, `lsattr`, the options of its mount, and root squashing on NFS", culprit=culprit
        )
    else:
        hint = msg(
            "run as {owner}, or `chown {me} '{culprit}'`, or set the store's url to another folder",
            owner=owner,
            me=me,
            culprit=culprit,
        )
    return StoreError(
        msg(
            "{doing}: {me} may not use {culprit}, which belongs to {owner}:{group} with mode {mode:04o}",
            doing=doing,
            me=me,
            culprit=culprit,
            owner=owner,
            group=_group(status.st_gid),
            mode=mode,
        ),
        hint=hint,
        kind="permission",
    )


def _culprit(path: Path) -> Path:
    """The file or folder that refuses: the deepest one that can be seen on the way to `path`."""
    seen = Path(path.anchor)
    for step in (*reversed(path.parents), path):
        try:
            step.lstat()
        except OSError:
            return seen
        seen = step
    # All of it can be seen: a file that may be read and written is refused by its folder.
    return path if not os.access(path, os.R_OK | os.W_OK) else path.parent


def _dangles(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def _in_the_way(root: Path, path: Path, doing: str) -> StoreError:
    for step in (path, *path.parents):
        if step == root:
            break
        if step.is_symlink():
            return StoreError(
                msg("{doing}: {step} is a symbolic link: not followed", doing=doing, step=step),
                hint=msg(
                    "a store holds plain files and folders; to keep it elsewhere, set the store's url to that folder"
                ),
                kind="symlink",
            )
    return StoreError(
        msg("{doing}: a file is where a folder is needed on the way to {path}", doing=doing, path=path),
        hint=msg("move that file out of the store"),
        kind="not-a-folder",
    )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
