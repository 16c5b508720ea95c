"""What doctor tries of a target's keys: that they are keys, and that what is encrypted today can be opened here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from dbops.config import Target
from dbops.keys import stream
from dbops.keys.keyring import Keyring
from dbops.model import Finding, Severity
from dbops.ops.seal import seal_for

_PROBE = b"dbops doctor"


def key_steps(target: Target) -> Iterator[tuple[str, Callable[[], Iterator[Finding]]]]:
    """(kind, step) of what is configured."""
    if target.encryption is not None:
        yield "encryption", partial(_encryption, target)
    if target.signing is not None:
        yield "signing", partial(_signing, target)


def _encryption(target: Target) -> Iterator[Finding]:
    where = f"targets.{target.name}.encryption"
    seal = seal_for(target)
    if seal is None:
        return
    yield _good("encryption", where, f"a backup is readable by {', '.join(seal.ids)}")
    keys = Keyring({target.name: target}).identities(target.name)
    if not keys:
        able = "its passphrase does" if seal.own is not None else "a drill or restore needs --identity FILE"
        yield _good("identity", where, f"no private key is configured here: {able}")
        return
    have = ", ".join(one.id for one in keys)
    try:
        opened = stream.Opener(keys).opened(seal.sealer.sealed(_PROBE), "a probe") == _PROBE
    except stream.WrongKeyError:
        opened = False
    if opened:
        yield _good("identity", f"{where}.identity", f"{have} opens what is encrypted today")
        return
    yield Finding(
        id="identity-differs",
        severity=Severity.ERROR,
        subject=f"{where}.identity",
        expected=f"the private key of one of {', '.join(seal.ids)}",
        actual=have,
        hint="backups of today could not be restored with it: give the key that belongs to a recipient, or add its "
        "recipient; older backups need the key that they were encrypted for",
    )


def _signing(target: Target) -> Iterator[Finding]:
    where, keys = f"targets.{target.name}.signing", Keyring({target.name: target})
    signer, trusted = keys.signer(target.name), keys.trusted(target.name)
    if trusted:
        yield _good("public-keys", where, f"only what is signed by {', '.join(key.id for key in trusted)} is used")
    if signer is None:
        return
    if not trusted or signer.public in trusted:
        yield _good("signing", where, f"backups are signed by {signer.public.id}")
        return
    yield Finding(
        id="signer-untrusted",
        severity=Severity.ERROR,
        subject=f"{where}.public_keys",
        expected=f"the signing key's own, {signer.public.id}",
        actual=", ".join(key.id for key in trusted),
        hint=f"backups of today would not be used here: add {signer.public.line!r}",
    )


def _good(kind: str, subject: str, actual: str) -> Finding:
    return Finding(id=kind, severity=Severity.INFO, subject=subject, actual=actual)
