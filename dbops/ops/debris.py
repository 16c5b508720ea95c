"""What interrupted backups, doctors and prunes left in a store: what of it may go, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from dbops.catalog import DRILLS, SUMS, Catalog, Listing, State
from dbops.config.units import format_duration
from dbops.language import msg
from dbops.ops.probe import is_doctors, is_probe, prefixes
from dbops.ops.prune_items import Item, Kind
from dbops.ops.tombstones import Tombstone

MINIMUM_AGE = 24 * 3600.0
"""Seconds without a write after which a folder without a manifest is debris, where no lock can prove it."""


def folder(listing: Listing, stone: Tombstone | None, now: datetime, locked: bool) -> Item:
    """A folder without a manifest."""
    name = f"{listing.target}/{listing.id}"
    if stone is not None and stone.note.kind == "backup":
        when = f"{stone.note.at:%Y-%m-%d %H:%M}Z"
        reason = msg("half deleted by a prune of {when} ({reasons})", when=when, reasons=", ".join(stone.note.reasons))
        return Item(name, listing.bytes, False, (reason,), Kind.HALF_DELETED, listing.id, keys=listing.keys)
    parts = {key.split("/")[2] for key in listing.keys}
    if parts == {DRILLS}:  # a verification that ended after its backup was pruned
        keep, reason = _by_age(listing.modified, now, False)
        shown = reason if keep else msg("only reports on a backup that is gone")
        return Item(name, listing.bytes, keep, (shown,), Kind.RECORDS, listing.id, keys=listing.keys)
    if parts & {DRILLS, SUMS}:
        reason = msg("no manifest, but all else of a finished backup: look at it yourself")
        return Item(name, listing.bytes, True, (reason,), Kind.LOST, listing.id)
    keep, reason = _by_age(listing.modified, now, locked)
    return Item(name, listing.bytes, keep, (reason,), Kind.DEBRIS, listing.id, keys=listing.keys)


def notes(stones: Mapping[str, Tombstone], states: Mapping[str, State], newest: str, now: datetime) -> Iterator[Item]:
    """The notes of earlier prunes. `states`: of the folders, by id; `newest`: the id of the newest backup."""
    for stone in stones.values():
        state, item = states.get(stone.note.id), Item(f"{stone.key} (note)", stone.bytes, False, (), Kind.NOTE)
        item = item._replace(keys=(stone.key,))
        if stone.note.kind == "failed":
            if stone.note.id < newest:
                yield item._replace(reasons=(msg("a failed run, and there is a newer backup"),))
            else:
                yield item._replace(keep=True, reasons=(msg("the newest run failed; its debris was removed"),))
        elif state is None:
            yield item._replace(reasons=(msg("the backup is deleted"),))
        elif state is not State.DEBRIS and now - stone.modified >= timedelta(seconds=MINIMUM_AGE):
            yield item._replace(reasons=(msg("a prune that was interrupted before it deleted anything"),))


def probes(catalog: Catalog, target: str, now: datetime, locked: bool) -> Iterator[Item]:
    """What a preflight, or a `doctor` (which takes no lock), wrote to try the store and could not delete again."""
    for entry in (entry for prefix in prefixes(target) for entry in catalog.store.list(prefix)):
        if is_probe(entry.key, target):
            keep, reason = _by_age(entry.modified, now, locked and not is_doctors(entry.key))
            shown = msg("somebody may be trying the store with it now; it goes after a day") if keep else reason
            yield Item(f"{entry.key} (probe)", entry.bytes, keep, (shown,), Kind.PROBE, keys=(entry.key,))


def unfinished(catalog: Catalog, target: str, now: datetime, locked: bool) -> Iterator[Item]:
    """Temporary files, workspaces and multipart uploads."""
    for left in catalog.store.unfinished():
        own = left.key.startswith(f"{target}/")
        if not own and "/" in left.key and not is_probe(left.key, target):
            continue  # another target's
        # A workspace lies beside the targets and may be of any: this target's lock says nothing of it.
        keep, reason = _by_age(left.modified, now, locked and own and not is_doctors(left.key))
        if keep and not own:
            reason = msg("a workspace may belong to another target's backup; it goes after a day")
        yield Item(f"{left.key} (unfinished write)", 0, keep, (reason,), Kind.UNFINISHED, unfinished=(left,))


def _by_age(modified: datetime, now: datetime, locked: bool) -> tuple[bool, str]:
    age = now - modified
    shown = format_duration(max(0.0, age.total_seconds()))
    if locked:
        return False, msg("left by an interrupted backup {shown} ago; no backup is running", shown=shown)
    if age >= timedelta(seconds=MINIMUM_AGE):
        return False, msg("left by an interrupted backup {shown} ago", shown=shown)
    return True, msg("no manifest, written {shown} ago: a backup may be running; give --url or wait", shown=shown)
