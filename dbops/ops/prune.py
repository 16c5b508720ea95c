"""prune: retention and cleaning up: plan → ask → delete, each backup's manifest first; every item with its reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from dbops.catalog import MANIFEST, Catalog
from dbops.config import Policy
from dbops.config.units import format_duration
from dbops.engine.base import Engine
from dbops.errors import LockedError, StoreError
from dbops.language import msg
from dbops.ops import tombstones
from dbops.ops.debris import MINIMUM_AGE
from dbops.ops.prune_items import Item, Kind, Pruning
from dbops.ops.prune_plan import plan
from dbops.ops.tombstones import Note
from dbops.progress import Progress

__all__ = ["MINIMUM_AGE", "Item", "Kind", "Pruning", "plan", "prune"]
PATIENCE = timedelta(minutes=1)
"""A plan that waited longer for its answer is made again: what is proved of the backups may have changed."""


class Lock(NamedTuple):
    """Whether the target's lock is `ours`, which proves that no backup of it is running; else who is `busy` with it, or
    why that is `unseen`."""

    ours: bool = False
    busy: str = ""
    unseen: str = ""

    def tell(self, progress: Progress) -> None:
        if why := self.busy or self.unseen:
            limit = msg("only debris older than {minimum_age} is removed", minimum_age=format_duration(MINIMUM_AGE))
            progress.note(msg("{message}: {limit}", message=why, limit=limit))


def prune(
    engine: Engine | None,
    catalog: Catalog,
    target: str,
    *,
    clock: Callable[[], datetime],
    progress: Progress,
    confirm: Callable[[Pruning], bool],
    policy: Policy | None = None,
) -> Pruning:
    """Decides, asks `confirm`, deletes; returns every item with what became of it.

    Without `policy.keep` no backup is deleted. With an engine the target's lock is held, but for the question: no
    backup is running, so that debris of any age can go. Without one, while somebody holds the lock, or on a standby
    (whose locks its primary does not know), only debris older than `MINIMUM_AGE` goes. While somebody holds the lock no
    backup goes: it may be the one that is being restored. A dry run is a `confirm` that says no.

    `StoreError` where the store fails; a backup that it refuses to delete stays whole, and is reported as kept.
    """

    def decided(lock: Lock) -> Pruning:
        return plan(catalog, target, now=clock(), locked=lock.ours, policy=policy, busy=lock.busy)

    begun = clock()
    with _locked(engine, target) as before:
        before.tell(progress)
        pruning = decided(before)
    if not pruning.doomed or not confirm(pruning):
        return pruning
    with _locked(engine, target) as lock:
        if lock != before:
            lock.tell(progress)
        if lock != before or clock() - begun > PATIENCE:
            pruning = _both(pruning, decided(lock))
        progress.phase("delete")
        watched = policy is not None and policy.keep is not None
        last = pruning.newest_backup if watched else ""
        items = [item if item.keep else _delete(catalog, target, item, last, clock, progress) for item in pruning.items]
        return pruning._replace(items=tuple(items))


@contextmanager
def _locked(engine: Engine | None, target: str) -> Iterator[Lock]:
    with ExitStack() as stack:
        yield Lock() if engine is None else _taken(stack, engine, target)


def _taken(stack: ExitStack, engine: Engine, target: str) -> Lock:
    if engine.server().in_recovery:
        return Lock(unseen=msg("the database is a standby, where a backup of its primary cannot be seen"))
    try:
        stack.enter_context(engine.lock(target, prunes=True))
    except LockedError as error:
        return Lock(busy=error.message)
    return Lock(ours=True)


def _both(asked: Pruning, now: Pruning) -> Pruning:
    """The newer plan, without deletions that nobody was asked about."""
    agreed = {item.name for item in asked.doomed}
    late = msg("it came up after the question: next time")
    items = [
        item if item.keep or item.name in agreed else item._replace(keep=True, reasons=(late,)) for item in now.items
    ]
    return now._replace(items=tuple(items))


def _delete(
    catalog: Catalog, target: str, item: Item, last: str, clock: Callable[[], datetime], progress: Progress
) -> Item:
    """Deletes one item; as it is then. `last`: the newest backup, after which a failed run is to be remembered."""
    if item.kind is Kind.BACKUP:
        return _delete_backup(catalog, target, item, clock(), progress)
    for left in item.unfinished:
        catalog.store.discard(left)
    if item.id and any(entry.key.endswith(f"/{MANIFEST}") for entry in catalog.store.list(f"{item.name}/")):
        progress.note(msg("{item} has been finished meanwhile: kept", item=item.name))
        return item._replace(keep=True, reasons=(msg("finished meanwhile"),))
    if item.kind is Kind.DEBRIS and item.id > last > "":
        tombstones.put(catalog, target, Note(item.id, "failed", clock(), item.reasons))
    _delete_keys(catalog, item, progress)
    if item.kind is Kind.HALF_DELETED:
        catalog.store.delete(tombstones.key(target, item.id))
    return item


def _delete_backup(catalog: Catalog, target: str, item: Item, now: datetime, progress: Progress) -> Item:
    """A note, the manifest, the rest, the note again: wherever it is interrupted, nothing half deleted is listed, and
    the next prune knows what it sees."""
    tombstones.put(catalog, target, Note(item.id, "backup", now, item.reasons))
    try:
        catalog.withdraw(target, item.id)
    except StoreError as error:
        with suppress(StoreError):  # the first error is the one to tell; a note beside a manifest does no harm
            catalog.store.delete(tombstones.key(target, item.id))
        if error.kind != "refused":
            raise
        return item._replace(
            keep=True, reasons=(msg("the store refuses: {message}", message=error.message),), refused=True
        )
    _delete_keys(catalog, item, progress)
    catalog.store.delete(tombstones.key(target, item.id))
    return item


def _delete_keys(catalog: Catalog, item: Item, progress: Progress) -> None:
    """All but the manifest, which is gone already, or makes the folder a backup."""
    for key in item.keys:
        if not (item.id and key.endswith(f"{item.id}/{MANIFEST}")):
            progress.item(key)
            catalog.store.delete(key)
