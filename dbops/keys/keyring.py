"""Which keys are at hand for the backups of a target: by its settings, by a flag, by the environment. Read when needed.

Without any settings, on a machine that has only the store: `--identity FILE`, or DBOPS_IDENTITY_FILE, DBOPS_IDENTITY
(the key itself, as CI systems keep secrets), DBOPS_PASSPHRASE, and DBOPS_PUBLIC_KEY for signatures.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from dbops.config import EncryptionConfig, SigningConfig, Target
from dbops.config.passwords import read_file, read_secret, remember, remember_key
from dbops.errors import ConfigError
from dbops.keys import age, signing
from dbops.language import msg

NO_TARGETS: Mapping[str, Target] = {}


class Keyring:
    """See above. `identity`: a key file that goes before all others. `signed`: nothing unsigned is accepted.

    Every method raises `ConfigError` naming the setting where a key that is configured cannot be used.
    """

    def __init__(
        self,
        targets: Mapping[str, Target] = NO_TARGETS,
        *,
        identity: Path | None = None,
        signed: bool = False,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._targets = targets
        self._identity = identity
        self._signed = signed
        self._environment = environment
        self._identities: dict[str, list[age.Identity]] = {}
        self._signers: dict[str, signing.SigningKey | None] = {}
        self._trusted: dict[str, tuple[signing.PublicKey, ...]] = {}

    # --- encryption -------------------------------------------------------------------------------------------------

    def identities(self, target: str) -> Sequence[age.Identity]:
        """The private keys at hand; empty where none is configured or given."""
        if target not in self._identities:
            self._identities[target] = self._find_identities(target)
        return self._identities[target]

    def passphrase(self, target: str) -> str | None:
        """The passphrase of the target's backups, and of key files that are encrypted themselves."""
        settings = self._encryption(target)
        found = passphrase(settings, target, self._environment) if settings is not None else None
        found = found or self._environment.get("DBOPS_PASSPHRASE") or None
        if found:
            remember(found)
        return found

    def _find_identities(self, target: str) -> list[age.Identity]:
        name, text = self._identity_text(target)
        if text is None:
            return []
        remember_key(text)
        try:
            return age.identities(text.encode(errors="surrogateescape"), self.passphrase(target))
        except ValueError as error:
            raise ConfigError(
                msg("{name}: no usable key: {error}", name=name, error=str(error)),
                hint=_IDENTITY_HINT,
                kind="bad-identity",
            ) from None

    def _identity_text(self, target: str) -> tuple[str, str | None]:
        """Where the first one that is given stands, and what it says."""
        if self._identity is not None:
            return "--identity", read_file(self._identity, "--identity", whole=True, kind="no-file")
        settings, where = self._encryption(target), f"targets.{target}.encryption"
        if settings is not None:
            found = read_secret(settings, "identity", where, self._environment, whole=True)
            if found is not None:
                return f"{where}.identity", found
        if path := self._environment.get("DBOPS_IDENTITY_FILE"):
            name = "DBOPS_IDENTITY_FILE"
            return name, read_file(Path(path), name, whole=True, kind="no-file")
        return "DBOPS_IDENTITY", self._environment.get("DBOPS_IDENTITY") or None

    def _encryption(self, target: str) -> EncryptionConfig | None:
        found = self._targets.get(target)
        return found.encryption if found is not None else None

    # --- signatures -------------------------------------------------------------------------------------------------

    def signer(self, target: str) -> signing.SigningKey | None:
        """What signs the target's manifests and records, if anything does."""
        if target not in self._signers:
            settings = self._signing(target)
            self._signers[target] = self._find_signer(settings, target) if settings is not None else None
        return self._signers[target]

    def trusted(self, target: str) -> tuple[signing.PublicKey, ...]:
        """Whose signature a backup of the target must bear; empty where it needs none."""
        if target not in self._trusted:
            self._trusted[target] = self._find_trusted(target)
        return self._trusted[target]

    def _find_signer(self, settings: SigningConfig, target: str) -> signing.SigningKey | None:
        where = f"targets.{target}.signing"
        text = read_secret(settings, "key", where, self._environment, whole=True)
        if text is None:
            return None
        remember_key(text)
        try:
            return signing.signing_key(text.encode())
        except ValueError as error:
            hint = msg("make one: ssh-keygen -t ed25519 -N '' -f signing-key")
            raise ConfigError(
                msg("{where}.key: {error}", where=where, error=str(error)), hint=hint, kind="bad-signing-key"
            ) from None

    def _find_trusted(self, target: str) -> tuple[signing.PublicKey, ...]:
        settings = self._signing(target)
        named = [
            (f"targets.{target}.signing.public_keys[{index}]", text)
            for index, text in enumerate(settings.public_keys if settings is not None else ())
        ]
        if given := self._environment.get("DBOPS_PUBLIC_KEY"):
            named.append(("DBOPS_PUBLIC_KEY", given))
        found = []
        for where, text in named:
            try:
                found.append(signing.public_key(text))
            except ValueError as error:
                raise ConfigError(
                    msg("{where}: {error}", where=where, error=str(error)), kind="bad-public-key"
                ) from None
        if not found and self._signed:
            raise ConfigError(
                msg("whose signature do backups of {target} need?", target=target),
                hint=msg("write [targets.{target}.signing] public_keys, or set DBOPS_PUBLIC_KEY", target=target),
                kind="no-public-key",
            )
        return tuple(found)

    def _signing(self, target: str) -> SigningConfig | None:
        found = self._targets.get(target)
        return found.signing if found is not None else None


_IDENTITY_HINT = msg("give the file that age-keygen has written, or an SSH key (ed25519 or RSA) without a passphrase")


def passphrase(settings: EncryptionConfig, target: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """The passphrase that the settings lead to, if they name one; an empty one is a `ConfigError`."""
    where = f"targets.{target}.encryption"
    found = read_secret(settings, "passphrase", where, environment)
    if found == "":
        raise ConfigError(msg("{where}.passphrase: it is empty", where=where), kind="passphrase")
    if found is not None:
        remember(found)
    return found


def recipients(settings: EncryptionConfig, target: str) -> list[age.Recipient]:
    """The public keys that the settings name, each once; `ConfigError` names the one that is none, or an empty file."""
    where = f"targets.{target}.encryption"
    named = [(f"{where}.recipients[{index}]", text) for index, text in enumerate(settings.recipients)]
    if settings.recipients_file is not None:
        path = settings.recipients_file
        lines = age.lines_of(read_file(path, f"{where}.recipients_file", whole=False, kind="no-file"))
        if not lines:
            hint = msg("write a public key a line: {allowed}", allowed=age.ALLOWED)
            raise ConfigError(
                msg("{where}.recipients_file: {path} has no recipient", where=where, path=path),
                hint=hint,
                kind="no-recipients",
            )
        named += [(f"{path}: recipient {number}", text) for number, text in enumerate(lines, start=1)]
    found: dict[str, age.Recipient] = {}
    for place, text in named:
        try:
            one = age.recipient(text)
        except ValueError as error:
            raise ConfigError(
                msg("{place}: {error}", place=place, error=str(error)),
                hint=msg("write {allowed}", allowed=age.ALLOWED),
                kind="bad-recipient",
            ) from None
        found.setdefault(one.id, one)
    return list(found.values())
