"""Records: the reports of verifications and drills, each kept beside its backup; signed ones are links of a chain."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from dbops import manifests
from dbops.catalog.names import DRILLS, MANIFEST, key_of
from dbops.errors import BadBackupError, StoreError
from dbops.ids import backup_id, is_backup_id, moment_of
from dbops.keys import signing
from dbops.keys.documents import Signatures
from dbops.language import msg
from dbops.model import Failure, Manifest, Report, Verdict
from dbops.store.base import Store

_LIMIT = 64 << 20
"""Bytes of a record that is read: a larger one is none of ours."""
_REPORT = msgspec.json.Decoder(Report)  # not in a thread: see `manifests`


class Record(NamedTuple):
    """The report of one verification or drill, with the moment it was written."""

    at: datetime
    task: str
    verdict: Verdict
    provenance: dict[str, object]
    failure: Failure = Failure.NONE


class Records:
    """Those of one store: `StoreError` where it does not answer, unless said otherwise."""

    def __init__(self, store: Store, signatures: Signatures) -> None:
        self._store = store
        self._signatures = signatures

    def add(self, backup: Manifest, report: Report, at: datetime) -> None:
        """Keeps a report beside its backup. Where that is signed, its signature names the one before it, the manifest's
        at first."""
        key = key_of(backup.target, backup.id, f"{DRILLS}/{backup_id(at)}.json")
        data = msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
        links = list(self._links(backup.target, backup.id)) if self._signatures.made(backup.target) else []
        self._store.put(key, data)
        self._signatures.put(backup.target, key, data, links[-1] if links else None)

    def of(self, target: str, backup: str) -> Sequence[Record]:
        """Those of a backup, newest first. One that cannot be read is left out: it proves nothing."""
        prefix = key_of(target, backup, f"{DRILLS}/")
        return self.among(entry.key for entry in self._store.list(prefix))

    def among(self, keys: Iterable[str], *, strict: bool = False) -> Sequence[Record]:
        """Those among `keys`, newest first. `strict`: `StoreError` where the store does not give one, instead of
        leaving it out: for whoever deletes by what they say."""
        found = (self._read(key, strict) for key in sorted(keys, reverse=True) if key.split("/")[2:3] == [DRILLS])
        return [record for record in found if record is not None]

    def chain_problems(self, target: str, backup: str) -> Iterator[tuple[str, str]]:
        """(key, what is wrong) of each record of a signed backup: not signed, forged, or after one that is gone.

        That the last ones are gone cannot be seen. Two that were written at once both name the one before them.
        """
        known = set[str]()
        for link in self._links(target, backup):
            known.add(hashlib.sha256(link).hexdigest())
        if not known:
            return
        prefix = key_of(target, backup, f"{DRILLS}/")
        for key in sorted(entry.key for entry in self._store.list(prefix)):
            if not is_backup_id(key.removeprefix(prefix).removesuffix(".json")):
                continue
            try:
                found = self._signatures.check(target, key, manifests.bounded(self._store.read(key), key))
            except BadBackupError as error:
                yield key, error.message
                continue
            if found is None:
                yield key, msg("{key}: it is not signed", key=key)
            elif found.previous not in known:
                yield key, msg("{key}: the record before it is gone", key=key)

    def _links(self, target: str, backup: str) -> Iterator[bytes]:
        """The signature documents of a backup: the manifest's, then those of its records by their time."""
        first = self._signatures.document(key_of(target, backup, MANIFEST))
        if first is None:
            return
        yield first
        listed = self._store.list(key_of(target, backup, f"{DRILLS}/"))
        for key in sorted(entry.key for entry in listed if entry.key.endswith(f".json{signing.SUFFIX}")):
            document = self._signatures.document(key.removesuffix(signing.SUFFIX))
            if document is not None:
                yield document

    def _read(self, key: str, strict: bool) -> Record | None:
        stem = key.rpartition("/")[2].removesuffix(".json")
        if not is_backup_id(stem):
            return None
        try:
            data = bytearray()
            for chunk in self._store.read(key):
                data += chunk
                if len(data) > _LIMIT:
                    return None
            target = key.split("/")[0]
            if self._signatures.needed(target):
                self._signatures.check(target, key, bytes(data))
            report = _REPORT.decode(data)
            at = moment_of(stem)
        except StoreError as error:
            if strict and error.kind != "not-found":
                raise
            return None
        except (msgspec.DecodeError, ValueError, RecursionError, BadBackupError):
            return None
        return Record(at, report.task, report.verdict, report.provenance, report.failure)
