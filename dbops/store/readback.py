"""Reading back what was just written: some stores keep other bytes than they took, and say that all is well."""

from __future__ import annotations

from dbops.errors import StoreError
from dbops.language import msg
from dbops.store.base import Store, Stored
from dbops.store.hashing import Hashed


def read_back(store: Store, stored: Stored) -> None:
    """Reads an object and compares it with what was written.

    Raises `StoreError` of kind 'read-back' when size (bytes) or SHA-256 differ, or when the object is not there.
    """
    back = Hashed()
    try:
        for data in store.read(stored.key):
            back.passed(data)
    except StoreError as error:
        if error.kind not in ("not-found", "checksum", "cut"):
            raise
        raise _error(store, stored, msg("it cannot be read: {message}", message=error.message)) from error
    if (back.bytes, back.sha256) != (stored.bytes, stored.sha256):
        raise _error(
            store, stored, msg("{bytes:,} bytes with SHA-256 {sha256} came back", bytes=back.bytes, sha256=back.sha256)
        )


def _error(store: Store, stored: Stored, actual: str) -> StoreError:
    return StoreError(
        msg(
            "{url}: {key} was written with {bytes:,} bytes and SHA-256 {sha256}; {actual}",
            url=store.url,
            key=stored.key,
            bytes=stored.bytes,
            sha256=stored.sha256,
            actual=actual,
        ),
        hint=msg('an S3-compatible service may keep checksum trailers inside objects: try checksums = "when_required"'),
        kind="read-back",
    )
