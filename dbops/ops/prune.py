"""prune: removes what interrupted backups left behind, with the reason for everything that stays or goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from dbops.catalog import DRILLS, MANIFEST, Catalog, State
from dbops.config.units import format_duration
from dbops.engine.base import Engine
from dbops.errors import LockedError
from dbops.ops.fetch import SUMS
from dbops.ops.probe import is_doctors, is_probe, prefixes
from dbops.progress import Progress
from dbops.store.base import Unfinished

MINIMUM_AGE = 24 * 3600.0
"""Seconds without a write after which a folder without a manifest is debris, where no lock can prove it."""


class Item(NamedTuple):
    """A folder of the store, or an unfinished write: whether it is kept, and why."""

    name: str
    bytes: int
    keep: bool
    reason: str
    keys: tuple[str, ...] = ()
    unfinished: tuple[Unfinished, ...] = ()

    def document(self) -> dict[str, Any]:
        return {"name": self.name, "bytes": self.bytes, "keep": self.keep, "reason": self.reason}


def prune(
    engine: Engine | None,
    catalog: Catalog,
    target: str,
    *,
    clock: Callable[[], datetime],
    progress: Progress,
    confirm: Callable[[tuple[Item, ...]], bool],
) -> tuple[Item, ...]:
    """Decides, asks `confirm`, deletes; returns every item with what was decided.

    With an engine the target's lock is held meanwhile: no backup is running, so that debris of any age can go. Without
    one, while somebody holds the lock, or on a standby (whose locks its primary does not know), only debris older than
    `MINIMUM_AGE` goes. A dry run is a `confirm` that says no.
    """
    with ExitStack() as stack:
        locked = engine is not None and _locked(stack, engine, target, progress)
        items = plan(catalog, target, now=clock(), locked=locked)
        doomed = [item for item in items if not item.keep]
        if doomed and confirm(items):
            progress.phase("delete")
            for item in doomed:
                _delete(catalog, item, progress)
        return items


def _locked(stack: ExitStack, engine: Engine, target: str, progress: Progress) -> bool:
    """Whether the target's lock is held from now on and proves that no backup of it is running."""
    limit = f"only debris older than {format_duration(MINIMUM_AGE)} is removed"
    if engine.server().in_recovery:
        progress.note(f"the database is a standby, where a backup of its primary cannot be seen: {limit}")
        return False
    try:
        stack.enter_context(engine.lock(target))
    except LockedError as error:
        progress.note(f"{error.message}: {limit}")
        return False
    return True


def plan(catalog: Catalog, target: str, *, now: datetime, locked: bool) -> tuple[Item, ...]:
    """What lies in the store under a target, newest first, and what is to happen to it."""
    items = []
    for listing in catalog.list(target):
        name = f"{listing.target}/{listing.id}"
        if listing.state is State.OK:
            items.append(Item(name, listing.bytes, True, "a backup"))
        elif listing.state is State.BROKEN:
            items.append(Item(name, listing.bytes, True, f"look at it yourself: {listing.reason}"))
        elif any(map(_finished, listing.keys)):
            reason = "no manifest, but all else of a finished backup: look at it yourself"
            items.append(Item(name, listing.bytes, True, reason))
        else:
            keep, reason = _debris(listing.modified, now, locked)
            items.append(Item(name, listing.bytes, keep, reason, keys=listing.keys))
    items += _probes(catalog, target, now, locked)
    for left in catalog.store.unfinished():
        own = left.key.startswith(f"{target}/")
        if not own and "/" in left.key and not is_probe(left.key, target):
            continue  # another target's
        # A workspace lies beside the targets and may be of any: this target's lock says nothing of it.
        keep, reason = _debris(left.modified, now, locked and own and not is_doctors(left.key))
        if keep and not own:
            reason = "a workspace may belong to another target's backup; it goes after a day"
        items.append(Item(f"{left.key} (unfinished write)", 0, keep, reason, unfinished=(left,)))
    return tuple(items)


def _probes(catalog: Catalog, target: str, now: datetime, locked: bool) -> Iterator[Item]:
    """What a preflight, or a `doctor` (which takes no lock), wrote to try the store and could not delete again."""
    for entry in (entry for prefix in prefixes(target) for entry in catalog.store.list(prefix)):
        if is_probe(entry.key, target):
            keep, reason = _debris(entry.modified, now, locked and not is_doctors(entry.key))
            shown = "somebody may be trying the store with it now; it goes after a day" if keep else reason
            yield Item(f"{entry.key} (probe)", entry.bytes, keep, shown, keys=(entry.key,))


def _finished(key: str) -> bool:
    """Whether a file of a backup is one that is written at its end, or after it."""
    return key.split("/")[2] in (DRILLS, SUMS)


def _debris(modified: datetime, now: datetime, locked: bool) -> tuple[bool, str]:
    age = now - modified
    shown = format_duration(max(0.0, age.total_seconds()))
    if locked:
        return False, f"left by an interrupted backup {shown} ago; no backup is running"
    if age >= timedelta(seconds=MINIMUM_AGE):
        return False, f"left by an interrupted backup {shown} ago"
    return True, f"no manifest, written {shown} ago: a backup may be running; give --url or wait"


def _delete(catalog: Catalog, item: Item, progress: Progress) -> None:
    """Deletes one item, unless a manifest has appeared meanwhile: then it is a backup."""
    for left in item.unfinished:
        catalog.store.discard(left)
    if item.keys and any(entry.key.endswith(f"/{MANIFEST}") for entry in catalog.store.list(f"{item.name}/")):
        progress.note(f"{item.name} has been finished meanwhile: kept")
        return
    for key in item.keys:
        progress.item(key)
        catalog.store.delete(key)
