"""The catalog: the backups of a store. A backup exists if and only if its manifest does; all else there is debris."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterator, Mapping, MutableSequence, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from dbops import manifests
from dbops.catalog.names import DRILLS, MANIFEST, SIGNATURE, SUMS, key_of
from dbops.catalog.records import Record, Records
from dbops.errors import BadBackupError, ConfigError, DbopsError, NewerFormatError, NothingToCheckError, StoreError
from dbops.ids import is_backup_id
from dbops.keys import signing
from dbops.keys.documents import Signatures
from dbops.keys.keyring import Keyring
from dbops.language import joined, msg
from dbops.model import Manifest, is_target_name
from dbops.store.base import Entry, Store

__all__ = ["DRILLS", "MANIFEST", "SAFETY", "SIGNATURE", "SUMS", "Catalog", "Listing", "Record", "State"]

SAFETY = "safety"
"""Purpose of a backup that a restore in place made of what it was about to replace."""
_READERS = 8


class State(StrEnum):
    """What a folder of a store is."""

    OK = "ok"
    BROKEN = "broken"
    """It has a manifest that cannot be used; `reason` says why."""
    NEWER = "newer"
    """Its manifest has a format that only a newer dbops knows: nothing says that it is bad."""
    DEBRIS = "debris"
    """It has no manifest: an interrupted backup, or one that is being made now."""

    @property
    def unusable(self) -> bool:
        """Whether it has a manifest that this dbops cannot use, or not yet."""
        return self in (State.BROKEN, State.NEWER)


class Listing(NamedTuple):
    """One folder `<target>/<id>/` of a store; `bytes` and `modified` (the newest object's) as the store has them."""

    target: str
    id: str
    state: State
    bytes: int
    modified: datetime
    keys: tuple[str, ...]
    manifest: Manifest | None = None
    reason: str = ""


class Catalog:
    """Reads and writes manifests, with their signatures; never an artifact. `records`: what lies beside them.

    `keys`: what signs, whose signature is needed, and what opens artifacts that are encrypted.
    """

    def __init__(self, store: Store, keys: Keyring | None = None) -> None:
        self.store = store
        self.keys = keys or Keyring()
        self._signatures = Signatures(store, self.keys)
        self.records = Records(store, self._signatures)

    @staticmethod
    def key(target: str, backup: str, name: str) -> str:
        """The store's key of a file of a backup: `<target>/<id>/<name>`."""
        return key_of(target, backup, name)

    def targets(self) -> Sequence[str]:
        """Names of the targets that have something in the store."""
        return sorted({folder[0] for folder in self._folders(None)})

    def list(self, target: str | None = None) -> Sequence[Listing]:
        """Every folder of a target, or of all: newest first, each with its state."""
        folders = self._folders(target)
        with ThreadPoolExecutor(_READERS) as pool:
            found = pool.map(lambda folder: self._listing(folder[0], folder[1], folders[folder]), folders)
            return sorted(found, key=lambda item: (item.id, item.target), reverse=True)

    def backups(self, target: str | None = None) -> Iterator[Manifest]:
        """Manifests of the usable backups, newest first."""
        return (item.manifest for item in self.list(target) if item.manifest is not None)

    def read(self, target: str, backup: str, *, signed: bool = True) -> Manifest:
        """The manifest of one backup, its signature checked, strictly validated; `BadBackupError` if it cannot be
        trusted. `signed` False: it is known that no signature lies there."""
        key = key_of(target, backup, MANIFEST)
        data = manifests.bounded(self.store.read(key), key)
        if signed or self._signatures.needed(target):
            self._signatures.check(target, key, data)
        return manifests.decode([data], target, backup)

    def latest(self, target: str) -> Manifest:
        """The newest usable backup that is not a safety backup; `NothingToCheckError` if there is none."""
        unusable = []
        for backup in self._ids(target):
            try:
                found = self.read(target, backup)
                if found.purpose != SAFETY:
                    return found
                unusable.append(msg("{backup} is a safety backup", backup=backup))
            except (BadBackupError, StoreError) as error:
                unusable.append(error.message)
        hint = joined("; ", unusable) or msg("make one: dbops backup")
        raise NothingToCheckError(
            msg("{url} has no usable backup of {target}", url=self.store.url, target=target),
            hint=hint,
            kind="no-backup",
        )

    def find(self, target: str, selector: str) -> Manifest:
        """The backup that `selector` names: `latest`, an id, or the beginning of exactly one id. `NothingToCheckError`
        where the target has none at all, `ConfigError` where the selector names none, or several."""
        if selector == "latest":
            return self.latest(target)
        ids = self._ids(target)
        matches = [backup for backup in ids if backup == selector] or [
            backup for backup in ids if selector and backup.startswith(selector)
        ]
        if len(matches) == 1:
            return self.read(target, matches[0])
        if not ids:
            raise NothingToCheckError(
                msg("{url} has no backup of {target}", url=self.store.url, target=target), kind="no-backup"
            )
        near = matches or difflib.get_close_matches(selector, ids, n=3, cutoff=0.4) or ids
        raise ConfigError(
            msg(
                "{count} backups of {target} begin with '{selector}'",
                count=len(matches),
                target=target,
                selector=selector,
            )
            if matches
            else msg("{target} has no backup '{selector}'", target=target, selector=selector),
            hint=msg("for example {near}", near=", ".join(near[:3])),
            kind="no-such-backup",
        )

    def publish(self, manifest: Manifest) -> None:
        """Writes the manifest and reads it back: from now on the backup exists. `StoreError` if it differs,
        `BadBackupError` (and nothing written) for one that `read` would refuse."""
        data = manifests.encode(manifest)
        manifests.decode([data], manifest.target, manifest.id)  # what would be refused later is refused now
        key = key_of(manifest.target, manifest.id, MANIFEST)
        self._signatures.put(manifest.target, key, data)  # first: at no time is there a backup that is not signed
        try:
            self.store.put(key, data)
        except BaseException:
            with suppress(StoreError):  # the first error is the one to tell
                self.store.delete(key + signing.SUFFIX)
            raise
        if b"".join(self.store.read(key)) != data:
            self.store.delete(key)
            self.store.delete(key + signing.SUFFIX)
            raise StoreError(
                msg("{url}: {key} reads back differently from what was written", url=self.store.url, key=key),
                kind="read-back",
            )

    def withdraw(self, target: str, backup: str) -> None:
        """Deletes the manifest and looks that it is gone: from now on the backup does not exist. `StoreError` if it is
        still listed: then the backup is as whole as before."""
        key = key_of(target, backup, MANIFEST)
        self.store.delete(key)
        if any(entry.key == key for entry in self.store.list(key)):
            raise StoreError(
                msg("{url}: {key} is still listed after its deletion", url=self.store.url, key=key), kind="refused"
            )

    def newest_folder(self, target: str) -> str:
        """The latest id that has anything in the store, a backup or not; '' if there is none."""
        found = (entry.key.split("/") for entry in self.store.list(f"{target}/"))
        return max((parts[1] for parts in found if len(parts) > 2 and is_backup_id(parts[1])), default="")

    def _ids(self, target: str) -> Sequence[str]:
        """Ids of the folders of a target that have a manifest, newest first."""
        _check(target)
        found = (entry.key.split("/") for entry in self.store.list(f"{target}/"))
        ids = {parts[1] for parts in found if len(parts) == 3 and parts[2] == MANIFEST and is_backup_id(parts[1])}
        return sorted(ids, reverse=True)

    def _folders(self, target: str | None) -> Mapping[tuple[str, str], Sequence[Entry]]:
        """Objects by (target, id). What lies elsewhere in the store is not ours and is not looked at."""
        if target is not None:
            _check(target)
        folders = defaultdict[tuple[str, str], MutableSequence[Entry]](list)
        for entry in self.store.list(f"{target}/" if target else ""):
            parts = entry.key.split("/")
            if len(parts) >= 3 and is_target_name(parts[0]) and is_backup_id(parts[1]):
                folders[parts[0], parts[1]].append(entry)
        return folders

    def _listing(self, target: str, backup: str, entries: Sequence[Entry]) -> Listing:
        keys = tuple(entry.key for entry in entries)
        facts = (sum(entry.bytes for entry in entries), max(entry.modified for entry in entries), keys)
        if key_of(target, backup, MANIFEST) not in keys:
            return Listing(target, backup, State.DEBRIS, *facts)
        try:
            signed = key_of(target, backup, SIGNATURE) in keys
            return Listing(target, backup, State.OK, *facts, manifest=self.read(target, backup, signed=signed))
        except DbopsError as error:
            if isinstance(error, BadBackupError | StoreError):  # the listing came through: this object is the trouble
                state = State.NEWER if isinstance(error, NewerFormatError) else State.BROKEN
                return Listing(target, backup, state, *facts, reason=error.message)
            raise


def _check(target: str) -> None:
    if not is_target_name(target):
        raise ConfigError(
            msg("{target!r} is not a name for a target", target=target),
            hint=msg("letters, digits, '.', '_', '-'"),
            kind="bad-target",
        )
