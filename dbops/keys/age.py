"""Keys of age (https://age-encryption.org/v1) through pyrage: who can read, and what reads."""

from __future__ import annotations

import base64
import binascii
import hashlib
from importlib import import_module
from typing import Any, NamedTuple

from dbops.errors import PreflightError
from dbops.language import msg

_SECRET = "AGE-SECRET-KEY-"  # noqa: S105 - how one begins
_MARKS = (b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----")
_SSH_BEGINS = b"-----BEGIN "
INSTALL_HINT = msg("pip install 'dbops[age]'")
ALLOWED = msg("'age1…' (age-keygen), 'ssh-ed25519 …' or 'ssh-rsa …'")


class Recipient(NamedTuple):
    """Who can read: `id` names the key for people, an `age1…` as a whole, an SSH key by its fingerprint."""

    id: str
    native: Any


class Identity(NamedTuple):
    """A private key; `id` is the one of its recipient."""

    id: str
    native: Any


def library() -> Any:
    """pyrage; `PreflightError` where it is not installed."""
    try:
        return import_module("pyrage")
    except ImportError:
        raise PreflightError(msg("encryption with age needs pyrage"), hint=INSTALL_HINT, kind="tool-missing") from None


def recipient(text: str) -> Recipient:
    """A public key; `ValueError` says what is wrong with it, without repeating a private one."""
    pyrage = library()
    if text.startswith(_SECRET):
        raise ValueError(msg("it is a private key, which must stay secret; expected {allowed}", allowed=ALLOWED))
    ssh = text.startswith("ssh-")
    if not ssh and not text.startswith("age1"):
        raise ValueError(msg("expected {allowed}", allowed=ALLOWED))
    try:
        native = (pyrage.ssh if ssh else pyrage.x25519).Recipient.from_str(text)
    except pyrage.RecipientError:
        raise ValueError(msg("it is no public key: a character is wrong, or it was cut")) from None
    return Recipient(fingerprint(text) if ssh else text, native)


def fingerprint(line: str) -> str:
    """Of an SSH public key, as `ssh-keygen -l` prints it; `ValueError` if it has no key."""
    try:
        blob = base64.b64decode(line.split()[1], validate=True)
    except (IndexError, binascii.Error):
        raise ValueError(msg("it is no SSH public key")) from None
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def lines_of(text: str) -> list[str]:
    """The keys of a file: one a line, `#` begins a comment line."""
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def generate() -> Identity:
    """A new key pair."""
    native = library().x25519.Identity.generate()
    return Identity(str(native.to_public()), native)


def identities(data: bytes, passphrase: str | None = None) -> list[Identity]:
    """The private keys of a file: of age-keygen, of SSH, or a file of either that `age --passphrase` has encrypted.

    `ValueError` says why it has none; nothing of its content is repeated.
    """
    pyrage = library()
    if data.startswith(_MARKS):
        if passphrase is None:
            raise ValueError(msg("it is encrypted itself, and no passphrase is given"))
        return identities(unwrap(data, passphrase))
    if data.lstrip().startswith(_SSH_BEGINS):
        try:
            return [Identity(_ssh_id(data), pyrage.ssh.Identity.from_buffer(data))]
        except pyrage.IdentityError:
            raise ValueError(msg("its SSH key cannot be used: ed25519 or RSA, and without a passphrase")) from None
    try:
        lines = lines_of(data.decode())
    except UnicodeDecodeError:
        raise ValueError(msg("it is no key file")) from None
    try:
        natives = [pyrage.x25519.Identity.from_str(line) for line in lines]
    except pyrage.IdentityError:
        raise ValueError(
            msg("it is no key file: expected lines that begin with {secret}, or an SSH key", secret=_SECRET)
        ) from None
    if not natives:
        raise ValueError(msg("it is empty"))
    return [Identity(str(native.to_public()), native) for native in natives]


def _ssh_id(data: bytes) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    load = serialization.load_ssh_private_key if b"OPENSSH" in data else serialization.load_pem_private_key
    try:
        public = load(data, None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "an SSH key"
    form = serialization.PublicFormat.OpenSSH
    return fingerprint(public.public_bytes(serialization.Encoding.OpenSSH, form).decode())


def wrap(identity: Identity, passphrase: str) -> bytes:
    """A key file that `age --identity` opens by asking for the passphrase. Slow on purpose: about a second."""
    text = f"# public key: {identity.id}\n{identity.native}\n"
    return bytes(library().passphrase.encrypt(text.encode(), passphrase))


def unwrap(data: bytes, passphrase: str) -> bytes:
    """The key file that `wrap` has encrypted; `ValueError` where the passphrase does not fit."""
    pyrage = library()
    try:
        return bytes(pyrage.passphrase.decrypt(data, passphrase))
    except pyrage.DecryptError:
        raise ValueError(msg("the passphrase does not fit")) from None
