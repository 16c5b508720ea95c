"""What can be told of a store that is a folder without writing to it. Of a bucket nothing can: listing it is all."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dbops.errors import StoreError
from dbops.language import msg
from dbops.store.base import Store


def store_folder(store: Store) -> Path | None:
    """The folder of a store with a file:// URL; it need not exist."""
    parts = urlsplit(store.url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that exists: where the first write makes it."""
    return next(path for path in (folder, *folder.parents) if os.path.lexists(path))


def takes_files(folder: Path) -> bool:
    """By its access bits, and by whether its file system is mounted read-only: then root may not write either."""
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def refuse_closed(store: Store, target: str) -> None:
    """What a dry run does in place of writing a probe. `StoreError` if the target's first write could not succeed.

    That there is a file where a folder is needed was met by whoever listed the store before.
    """
    root = store_folder(store)
    if root is None or takes_files(found := nearest(root / target)):
        return
    if os.statvfs(found).f_flag & os.ST_RDONLY:
        problem, hint = msg("is on a file system that is mounted read-only"), msg("see `mount` and `dmesg`")
    else:
        problem, hint = (
            msg("takes no files from this user"),
            msg("see `ls -ld '{found}'`; run as its owner, or change its mode", found=found),
        )
    raise StoreError(
        msg("the backup could not be written: {found} {problem}", found=found, problem=problem),
        hint=hint,
        kind="not-writable",
    )
