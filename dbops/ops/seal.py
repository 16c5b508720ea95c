"""Encryption of a backup, from the settings of its target to whoever opens it again.

With a passphrase every backup gets a key pair of its own, whose private half lies beside it, encrypted with the
passphrase (`key.age`): the slow part of a passphrase is done once and not for each file, streams stay streams, and
`age` itself opens such a key file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from dbops.catalog import Catalog
from dbops.config import Target
from dbops.errors import BadBackupError, ConfigError, PreflightError, StoreError
from dbops.keys import age, keyring, stream
from dbops.language import msg
from dbops.model import KEY_FILE, PASSPHRASE, Artifact, Manifest

_PROBE_BYTES = 64 << 20
_HINT = msg(
    "give the private key of one of them: --identity FILE, encryption.identity_file in "
    "dbops.toml, or the environment variable DBOPS_IDENTITY_FILE or DBOPS_IDENTITY"
)
_ITS_HINT = msg("; or the passphrase: encryption.passphrase_file in dbops.toml, or DBOPS_PASSPHRASE")


class Seal(NamedTuple):
    """What encrypts a backup. `ids`: who can read it."""

    ids: tuple[str, ...]
    sealer: stream.Sealer
    own: age.Identity | None
    """The backup's own key pair, where there is a passphrase."""
    passphrase: str | None

    def key_document(self) -> bytes | None:
        """`key.age`. Takes a second or more."""
        return None if self.own is None or self.passphrase is None else age.wrap(self.own, self.passphrase)


def seal_for(target: Target) -> Seal | None:
    """None where nothing says that backups of the target are encrypted. `ConfigError` where it cannot be done as it is
    said: nothing is ever stored in the clear instead."""
    settings = target.encryption
    if settings is None:
        return None
    found = keyring.recipients(settings, target.name)
    secret = keyring.passphrase(settings, target.name)
    where = f"targets.{target.name}.encryption"
    if not found and secret is None:
        hint = msg("write recipients, recipients_file or a passphrase; the identity alone only reads")
        raise ConfigError(
            msg("{where}: says for nobody that he can read the backup", where=where), hint=hint, kind="no-recipients"
        )
    if settings.workspace is not None and not settings.workspace.is_dir():
        raise ConfigError(
            msg("{where}.workspace: {workspace} is no folder", where=where, workspace=settings.workspace),
            kind="no-workspace",
        )
    ids = tuple(one.id for one in found)
    if secret is None:
        return Seal(ids, stream.Sealer(found), None, None)
    own = age.generate()
    return Seal((*ids, PASSPHRASE), stream.Sealer([*found, age.recipient(own.id)]), own, secret)


def opener_for(catalog: Catalog, manifest: Manifest) -> stream.Opener | None:
    """What decrypts a backup, tried on one of its files; None for one that is not encrypted.

    `PreflightError` of kind 'no-key' or 'wrong-key' says which keys it would take.
    """
    if manifest.method.encryption == "none":
        return None
    if manifest.method.encryption != "age":
        raise PreflightError(
            msg(
                "backup {manifest} of {target} is encrypted with {encryption!r}",
                manifest=manifest.id,
                target=manifest.target,
                encryption=manifest.method.encryption,
            ),
            hint=msg("a newer dbops may know it"),
            kind="unknown-encryption",
        )
    found = catalog.keys.identities(manifest.target)
    if found and (opener := _fitting(catalog, manifest, found)) is not None:
        return opener
    wrapped = next((item for item in manifest.artifacts if item.name == KEY_FILE), None)
    secret = catalog.keys.passphrase(manifest.target) if wrapped is not None else None
    if wrapped is not None and secret is not None:
        try:
            own = age.identities(_small(catalog, manifest, wrapped), secret)
        except ValueError:
            pass
        except StoreError as error:
            if error.kind not in ("not-found", "checksum"):
                raise
        else:
            if (opener := _fitting(catalog, manifest, own)) is not None:
                return opener
    raise _locked(manifest, [one.id for one in found], secret is not None, wrapped is not None)


def _fitting(catalog: Catalog, manifest: Manifest, keys: Sequence[age.Identity]) -> stream.Opener | None:
    opener = stream.Opener(keys)
    sealed = [item for item in manifest.artifacts if manifest.method.plain_name(item.name) != item.name]
    smallest = min(sealed, key=lambda item: item.bytes, default=None)
    if smallest is None or smallest.bytes > _PROBE_BYTES:
        return opener
    try:
        data = _small(catalog, manifest, smallest)
        if hashlib.sha256(data).hexdigest() == smallest.sha256:  # of other bytes no key can be judged by
            opener.opened(data, smallest.name)
    except stream.WrongKeyError:
        return None
    except (BadBackupError, StoreError):
        pass  # whoever reads the whole backup finds and tells it
    return opener


def _small(catalog: Catalog, manifest: Manifest, artifact: Artifact) -> bytes:
    data = bytearray()
    for chunk in catalog.store.read(catalog.key(manifest.target, manifest.id, artifact.name)):
        data += chunk
        if len(data) > artifact.bytes:
            break
    return bytes(data)


def document(catalog: Catalog, manifest: Manifest, name: str, opener: stream.Opener | None) -> str:
    """A small artifact as text, hashed again since it is read again; empty if the backup has none. `BadBackupError` if
    it is another one by now."""
    artifact = next((item for item in manifest.artifacts if manifest.method.plain_name(item.name) == name), None)
    if artifact is None:
        return ""
    data = b"".join(catalog.store.read(catalog.key(manifest.target, manifest.id, artifact.name)))
    if hashlib.sha256(data).hexdigest() != artifact.sha256:
        raise BadBackupError(
            msg("{name} of backup {manifest} has changed while it was read", name=name, manifest=manifest.id),
            kind="artifact-hash",
        )
    if artifact.name != name and opener is not None:
        data = opener.opened(data, artifact.name)
    return data.decode()


def _locked(manifest: Manifest, have: list[str], passphrase: bool, wrapped: bool) -> PreflightError:
    needs = ", ".join(manifest.method.keys) or msg("keys that its manifest does not name")
    message = msg(
        "backup {manifest} of {target} is encrypted to {needs}",
        manifest=manifest.id,
        target=manifest.target,
        needs=needs,
    )
    hint = msg("{hint}{its_hint}", hint=_HINT, its_hint=_ITS_HINT if wrapped else "")
    tried = [*have, *(["the passphrase"] if passphrase else [])]
    if not tried:
        return PreflightError(msg("{message}, and no key is at hand", message=message), hint=hint, kind="no-key")
    return PreflightError(
        msg("{message}; what is at hand does not open it: {tried}", message=message, tried=", ".join(tried)),
        hint=hint,
        kind="wrong-key",
    )
