"""What a prune will do: retention over the backups of a target, and what was left behind. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from dbops.catalog import SAFETY, Catalog, Listing, Record, State
from dbops.config import Keep, Policy
from dbops.errors import StoreError
from dbops.language import msg
from dbops.model import Failure, Verdict
from dbops.ops import debris, tombstones
from dbops.ops.prune_items import Item, Kind, Pruning
from dbops.ops.tombstones import Tombstone
from dbops.retention import Backup, Decision, Outcome, Proof, Signs, decide, overdue

_READERS = 8


class Overdue(NamedTuple):
    """What the rules wanted gone long ago, why none is deleted now, and folders that were backups and are none now."""

    backups: tuple[Decision, ...]
    frozen: tuple[str, ...]
    lost: tuple[Item, ...]


def plan(
    catalog: Catalog, target: str, *, now: datetime, locked: bool, policy: Policy | None = None, busy: str = ""
) -> Pruning:
    """What lies in the store under a target, newest first, and what is to happen to it.

    `locked`: the target's lock is held, so that no backup is running. `policy` None, or one without `keep`: no backup
    is deleted. `busy`: who holds the lock else: then none is deleted now.
    """
    listings = catalog.list(target)
    stones = tombstones.read_all(catalog, target)
    folders = _unusable(listings, stones, now, locked)
    outcome, versioned = None, False
    if policy is not None and policy.keep is not None:
        outcome = decide(_backups(catalog, listings), policy.keep, now, _signs(folders, stones, policy, busy))
    backups = _judged(listings, outcome)
    if any(not item.keep for item in backups):
        backups, versioned = _unlocked(catalog, backups, now)
    items = sorted([*folders, *backups], key=lambda item: item.id, reverse=True)
    newest = max((item.id for item in backups), default="")
    items += debris.notes(stones, {item.id: item.state for item in listings}, newest, now)
    items += debris.probes(catalog, target, now, locked)
    items += debris.unfinished(catalog, target, now, locked)
    return Pruning(tuple(items), outcome.frozen if outcome else (), versioned)


def excess(catalog: Catalog, target: str, policy: Policy, keep: Keep, now: datetime, grace: timedelta) -> Overdue:
    """Whether retention is carried out. What the store itself locks is no excess."""
    listings = catalog.list(target)
    stones = tombstones.read_all(catalog, target)
    folders = _unusable(listings, stones, now, locked=False)
    known = _backups(catalog, listings)
    outcome = decide(known, keep, now, _signs(folders, stones, policy))
    late = {item.backup.id: item for item in overdue(known, keep, now, grace)}
    doomed = [item for item in _judged(listings, outcome) if item.id in late and not item.keep]
    free, _ = _unlocked(catalog, doomed, now)
    lost = tuple(item for item in folders if item.kind in (Kind.LOST, Kind.BROKEN))
    return Overdue(tuple(late[item.id] for item in free if not item.keep), outcome.frozen, lost)


def _unusable(listings: Sequence[Listing], stones: Mapping[str, Tombstone], now: datetime, locked: bool) -> list[Item]:
    """The folders that are no usable backup."""
    found = []
    for item in listings:
        if item.state.unusable:
            reason = msg("look at it yourself: {reason}", reason=item.reason)
            found.append(Item(f"{item.target}/{item.id}", item.bytes, True, (reason,), Kind.BROKEN, item.id))
        elif item.state is State.DEBRIS:
            found.append(debris.folder(item, stones.get(item.id), now, locked))
    return found


def _signs(folders: Sequence[Item], stones: Mapping[str, Tombstone], policy: Policy, busy: str = "") -> Signs:
    """What speaks of failing backups: folders without a manifest, and the notes of those that were removed."""
    failed = [item.id for item in folders if item.kind in (Kind.DEBRIS, Kind.LOST)]
    failed += [stone.note.id for stone in stones.values() if stone.note.kind == "failed"]
    broken = [item.id for item in folders if item.kind is Kind.BROKEN]
    return Signs(max(failed, default=""), max(broken, default=""), busy, policy.rpo)


def _judged(listings: Sequence[Listing], outcome: Outcome | None) -> list[Item]:
    """The usable backups with what retention says of them; `outcome` None: it says nothing."""
    decisions = {item.backup.id: item for item in outcome.decisions} if outcome else {}
    items = []
    for listing in listings:
        if listing.state is State.OK:
            name, decision = f"{listing.target}/{listing.id}", decisions.get(listing.id)
            item = Item(
                name, listing.bytes, True, (msg("policy.keep is not set"),), Kind.BACKUP, listing.id, listing.keys
            )
            if decision is not None:
                item = item._replace(keep=decision.keep, reasons=decision.reasons, backup=decision.backup)
            items.append(item)
    return items


def _backups(catalog: Catalog, listings: Sequence[Listing]) -> list[Backup]:
    """The usable backups with what was ever proved of them; the records are read several at a time."""
    usable = [item for item in listings if item.manifest is not None]
    with ThreadPoolExecutor(_READERS) as pool:
        records = list(pool.map(lambda item: catalog.records.among(item.keys, strict=True), usable))
    return [
        Backup(
            id=item.id,
            started_at=item.manifest.started_at,
            safety=item.manifest.purpose == SAFETY,
            bytes=item.bytes,
            proofs=tuple(map(_proof, filter(_conclusive, found))),
        )
        for item, found in zip(usable, records, strict=True)
        if item.manifest is not None
    ]


def _conclusive(record: Record) -> bool:
    """Whether a record says anything of the backup itself."""
    return record.verdict is not Verdict.INCONCLUSIVE and record.failure in (
        Failure.NONE,
        Failure.BAD_BACKUP,
        Failure.OVER_TARGET,
    )


def _proof(record: Record) -> Proof:
    """A backup that is restored too slowly, or is too old, is good."""
    good = record.verdict is Verdict.PASS or record.failure is Failure.OVER_TARGET
    return Proof(record.at, record.task, good)


def _unlocked(catalog: Catalog, items: Sequence[Item], now: datetime) -> tuple[list[Item], bool]:
    """Of the backups that are to go: those that the store locks stay, whole; and whether it keeps versions.

    A plain deletion of a locked object succeeds, by hiding it: so we must look before.
    """
    with ThreadPoolExecutor(_READERS) as pool:
        found = list(pool.map(partial(_protection, catalog, now), items))
    kept = [
        item if item.keep or not lock else item._replace(keep=True, reasons=(f"{lock} ({item.reason})",))
        for item, (lock, _) in zip(items, found, strict=True)
    ]
    return kept, any(versioned for _, versioned in found)


def _protection(catalog: Catalog, now: datetime, item: Item) -> tuple[str, bool]:
    """Why the store will not let go of a backup, '' if it will; whether it keeps versions. One request where it keeps
    none: there are no locks without versions."""
    if item.keep:
        return "", False
    until, versioned = now, False
    for key in item.keys:
        try:
            found = catalog.store.protection(key)
        except StoreError as error:
            if error.kind != "not-found":
                raise
            continue  # somebody else is deleting it
        if found.held:
            return msg("under legal hold"), True
        until, versioned = max(until, found.locked_until or now), versioned or found.versioned
        if not versioned:
            break
    return (msg("locked until {until:%Y-%m-%d %H:%M}Z", until=until) if until > now else ""), versioned
