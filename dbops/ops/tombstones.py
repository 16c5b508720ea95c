"""Notes that prune leaves in a store, beside the backups: `<target>/.pruned/<id>.json`.

A `backup` note is written before the manifest of a backup is deleted, and is the last to go: a folder without a
manifest that has one is half deleted, not a backup that lost its manifest. A `failed` note stays where the debris of
the newest run was removed, so that the failure is not forgotten with it; it goes once there is a newer backup.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from dbops.catalog import Catalog
from dbops.errors import StoreError
from dbops.ids import is_backup_id
from dbops.values import Value

_LIMIT = 64 << 10


class Note(Value, frozen=True):
    """What a note holds: of which backup or run, what it says, when (UTC) and why it was removed."""

    id: str
    kind: Literal["backup", "failed"]
    at: datetime
    reasons: tuple[str, ...]


class Tombstone(Value, frozen=True):
    """A note in the store; `modified` by the store's clock."""

    key: str
    note: Note
    bytes: int
    modified: datetime


def key(target: str, backup: str) -> str:
    """The store's key of the note on a backup."""
    return f"{_prefix(target)}{backup}.json"


def put(catalog: Catalog, target: str, note: Note) -> None:
    """Writes a note; `StoreError` if it cannot be kept."""
    catalog.store.put(key(target, note.id), msgspec.json.encode(note) + b"\n")


def read_all(catalog: Catalog, target: str) -> dict[str, Tombstone]:
    """Id -> its note. One that cannot be read says nothing, and nothing is deleted by its word."""
    found = {}
    for entry in catalog.store.list(_prefix(target)):
        name = entry.key.removeprefix(_prefix(target)).removesuffix(".json")
        if not is_backup_id(name) or entry.key != key(target, name) or entry.bytes > _LIMIT:
            continue
        note = _read(catalog, entry.key)
        if note is not None and note.id == name:
            found[name] = Tombstone(entry.key, note, entry.bytes, entry.modified)
    return found


def _read(catalog: Catalog, where: str) -> Note | None:
    try:
        return msgspec.json.decode(b"".join(catalog.store.read(where)), type=Note)
    except StoreError as error:
        if error.kind != "not-found":  # another prune has just finished with it
            raise
        return None
    except msgspec.DecodeError:
        return None


def _prefix(target: str) -> str:
    return f"{target}/.pruned/"
