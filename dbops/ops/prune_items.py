"""What prune decides about: folders of a store, what was left in it, each kept or deleted with every reason."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from dbops.language import joined
from dbops.retention import Backup
from dbops.store.base import Unfinished


class Kind(StrEnum):
    """What a thing in the store is."""

    BACKUP = "backup"
    BROKEN = "broken"
    """It has a manifest that cannot be used."""
    LOST = "lost"
    """All of a backup but its manifest, and no prune took that."""
    HALF_DELETED = "half-deleted"
    DEBRIS = "debris"
    RECORDS = "records"
    """Reports on a backup that is gone."""
    NOTE = "note"
    PROBE = "probe"
    UNFINISHED = "unfinished"


class Item(NamedTuple):
    """One thing in the store: whether it is kept, and why. `id`: of its folder, where it is one.

    `keys`: what is deleted with it. `backup`: what retention knew of it, where it was judged.
    `refused`: it should be deleted, and the store did not let us.
    """

    name: str
    bytes: int
    keep: bool
    reasons: tuple[str, ...]
    kind: Kind
    id: str = ""
    keys: tuple[str, ...] = ()
    unfinished: tuple[Unfinished, ...] = ()
    backup: Backup | None = None
    refused: bool = False

    @property
    def reason(self) -> str:
        """All its reasons in one line."""
        return joined(", ", self.reasons)

    def document(self) -> dict[str, Any]:
        """The same for machines; times are UTC."""
        about: dict[str, Any] = {}
        if self.backup is not None:
            proof = self.backup.proofs[0] if self.backup.proofs else None
            about = {
                "started_at": self.backup.started_at,
                "safety": self.backup.safety,
                "proof": {"at": proof.at, "task": proof.task, "good": proof.good} if proof else None,
            }
        return {
            "name": self.name,
            "id": self.id,
            "kind": self.kind,
            "bytes": self.bytes,
            "keep": self.keep,
            "reason": self.reason,
            "reasons": self.reasons,
            **about,
        }


class Pruning(NamedTuple):
    """Everything of a target in a store, newest first. `frozen`: why no backup is deleted now.

    `versioned`: the store keeps what is deleted as old versions.
    """

    items: tuple[Item, ...]
    frozen: tuple[str, ...] = ()
    versioned: bool = False

    @property
    def doomed(self) -> tuple[Item, ...]:
        """What is to be deleted."""
        return tuple(item for item in self.items if not item.keep)

    @property
    def newest_backup(self) -> str:
        """Its id, '' for none."""
        return max((item.id for item in self.items if item.kind is Kind.BACKUP), default="")

    def document(self) -> dict[str, Any]:
        """The same for machines; times are UTC."""
        return {
            "frozen": self.frozen,
            "versioned": self.versioned,
            "items": [item.document() for item in self.items],
        }
