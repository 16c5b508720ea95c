"""Signatures of a store's documents: each lies beside its document, under the document's key and `.sig`."""

from __future__ import annotations

from dbops.errors import BadBackupError, StoreError
from dbops.keys import signing
from dbops.keys.keyring import Keyring
from dbops.language import msg
from dbops.store.base import Store


class Signatures:
    """Of one store, by the keys at hand."""

    def __init__(self, store: Store, keys: Keyring) -> None:
        self._store = store
        self._keys = keys

    def needed(self, target: str) -> bool:
        """Whether documents of the target must bear one."""
        return bool(self._keys.trusted(target))

    def made(self, target: str) -> bool:
        """Whether documents of the target are signed here."""
        return self._keys.signer(target) is not None

    def put(self, target: str, key: str, data: bytes, previous: bytes | None = None) -> None:
        """Signs a document where documents of the target are signed. `previous`: the signature document before it."""
        signer = self._keys.signer(target)
        if signer is not None:
            self._store.put(key + signing.SUFFIX, signing.sign(signer, key, data, previous))

    def check(self, target: str, key: str, data: bytes) -> signing.Signature | None:
        """The signature of a document; None for one that has none and needs none. `BadBackupError` of kind 'unsigned'
        or 'bad-signature'."""
        trusted = self._keys.trusted(target)
        document = self.document(key)
        if document is None and not trusted:
            return None
        if document is None:
            hint = msg(
                "signed backups of {target} only: see targets.{target}.signing; 'backups' lists the others",
                target=target,
            )
            raise BadBackupError(msg("{key}: it is not signed", key=key), hint=hint, kind="unsigned")
        try:
            return signing.check(document, key, data, trusted)
        except signing.SignatureError as error:
            hint = msg("do not restore it: look who has changed it; 'backups' lists the others")
            raise BadBackupError(
                msg("{key}: {error}", key=key, error=str(error)), hint=hint, kind="bad-signature"
            ) from None

    def document(self, key: str) -> bytes | None:
        """The signature document that lies beside a document, not looked at."""
        data = bytearray()
        try:
            for chunk in self._store.read(key + signing.SUFFIX):
                data += chunk
                if len(data) > signing.LIMIT_BYTES:
                    break
        except StoreError as error:
            if error.kind != "not-found":
                raise
            return None
        return bytes(data)
