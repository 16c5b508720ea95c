"""What doctor tries of a target's keys: that they are keys, and that what is encrypted today can be opened here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from dbops.config import Target
from dbops.keys import stream
from dbops.keys.keyring import Keyring
from dbops.language import msg
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
    yield _good("encryption", where, msg("a backup is readable by {ids}", ids=", ".join(seal.ids)))
    keys = Keyring({target.name: target}).identities(target.name)
    if not keys:
        able = msg("its passphrase does") if seal.own is not None else msg("a drill or restore needs --identity FILE")
        yield _good("identity", where, msg("no private key is configured here: {able}", able=able))
        return
    have = ", ".join(one.id for one in keys)
    try:
        opened = stream.Opener(keys).opened(seal.sealer.sealed(_PROBE), "a probe") == _PROBE
    except stream.WrongKeyError:
        opened = False
    if opened:
        yield _good("identity", f"{where}.identity", msg("{have} opens what is encrypted today", have=have))
        return
    yield Finding(
        id="identity-differs",
        severity=Severity.ERROR,
        subject=f"{where}.identity",
        expected=msg("the private key of one of {ids}", ids=", ".join(seal.ids)),
        actual=have,
        hint=msg(
            "backups of today could not be restored with it: give the key that belongs to a recipient, "
            "or add its recipient; older backups need the key that they were encrypted for"
        ),
    )


def _signing(target: Target) -> Iterator[Finding]:
    where, keys = f"targets.{target.name}.signing", Keyring({target.name: target})
    signer, trusted = keys.signer(target.name), keys.trusted(target.name)
    if trusted:
        yield _good(
            "public-keys",
            where,
            msg("only what is signed by {trusted} is used", trusted=", ".join(key.id for key in trusted)),
        )
    if signer is None:
        return
    if not trusted or signer.public in trusted:
        yield _good("signing", where, msg("backups are signed by {public}", public=signer.public.id))
        return
    yield Finding(
        id="signer-untrusted",
        severity=Severity.ERROR,
        subject=f"{where}.public_keys",
        expected=msg("the signing key's own, {public}", public=signer.public.id),
        actual=", ".join(key.id for key in trusted),
        hint=msg("backups of today would not be used here: add {line!r}", line=signer.public.line),
    )


def _good(kind: str, subject: str, actual: str) -> Finding:
    return Finding(id=kind, severity=Severity.INFO, subject=subject, actual=actual)
