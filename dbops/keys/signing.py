"""Ed25519 signatures of stored documents: who says so, of which document, after which other signature.

A signature lies beside its document, as text. OpenSSL can check it, too:

    head -n 5 manifest.json.sig > statement; tail -n 1 manifest.json.sig | cut -d' ' -f2 | base64 -d > signature
    openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in statement -sigfile signature
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from dbops.language import msg

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SUFFIX = ".sig"
LIMIT_BYTES = 16 << 10
_FIRST = "dbops signature 1"
_FORM = re.compile(
    rf"{_FIRST}\nof: ([^\n]+)\nsha256: ([0-9a-f]{{64}})\nprevious: ([0-9a-f]{{64}}|none)\n"
    r"key: (ssh-ed25519 [A-Za-z0-9+/=]+)\nsignature: ([A-Za-z0-9+/=]+)\n"
)
ALLOWED = msg("an Ed25519 key of ssh-keygen, or PEM of openssl genpkey")


class PublicKey(NamedTuple):
    """`line` is the key as `ssh-ed25519 …`, without a comment."""

    line: str

    @property
    def id(self) -> str:
        """The fingerprint, as `ssh-keygen -l` prints it."""
        blob = base64.b64decode(self.line.split()[1])
        return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


class SigningKey(NamedTuple):
    """A private key and its public half."""

    native: Ed25519PrivateKey
    public: PublicKey


class Signature(NamedTuple):
    """A checked signature: by whom, and the SHA-256 (hex) of the signature document before it ('' for the first)."""

    key: PublicKey
    previous: str


class SignatureError(Exception):
    """The signature does not hold; the text says why."""


def signing_key(data: bytes) -> SigningKey:
    """`ValueError` says why it is none, and repeats nothing of it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    load = serialization.load_ssh_private_key if b"OPENSSH" in data else serialization.load_pem_private_key
    try:
        native = load(data, None)
    except TypeError:
        raise ValueError(msg("it has a passphrase, which nobody can type at night: use one without, 0600")) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(msg("it is no private key; expected {allowed}", allowed=ALLOWED)) from None
    if not isinstance(native, Ed25519PrivateKey):
        raise ValueError(msg("it is of another kind; expected {allowed}", allowed=ALLOWED))
    return SigningKey(native, _public(native.public_key()))


def public_key(text: str) -> PublicKey:
    """`ssh-ed25519 …` with or without a comment, or PEM; `ValueError` says why it is none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    load = serialization.load_pem_public_key if text.startswith("-----") else serialization.load_ssh_public_key
    try:
        native = load(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(msg("it is no public key; expected 'ssh-ed25519 …', or PEM")) from None
    if not isinstance(native, Ed25519PublicKey):
        raise ValueError(msg("it is of another kind; expected 'ssh-ed25519 …', or PEM of Ed25519"))
    return _public(native)


def sign(key: SigningKey, of: str, data: bytes, previous: bytes | None = None) -> bytes:
    """The signature document of `data`, stored under the key `of`. `previous`: the signature document before it."""
    before = hashlib.sha256(previous).hexdigest() if previous is not None else "none"
    digest = hashlib.sha256(data).hexdigest()
    statement = f"{_FIRST}\nof: {of}\nsha256: {digest}\nprevious: {before}\nkey: {key.public.line}\n".encode()
    return statement + b"signature: " + base64.b64encode(key.native.sign(statement)) + b"\n"


def check(document: bytes, of: str, data: bytes, trusted: Sequence[PublicKey]) -> Signature:
    """Raises `SignatureError` unless the document signs these bytes under this name. Without trusted keys any key will
    do: that shows an edit by somebody who could not sign, and not who has signed."""
    from cryptography.exceptions import InvalidSignature

    match = _FORM.fullmatch(document.decode("utf-8", "replace"))
    if match is None:
        raise SignatureError(msg("its signature is not one of dbops"))
    named, digest, previous, line, signature = match.groups()
    try:
        key = PublicKey(line)
        _native(key).verify(base64.b64decode(signature), document[: match.start(5) - len("signature: ")])
    except (InvalidSignature, ValueError, binascii.Error):
        raise SignatureError(msg("its signature was forged or damaged")) from None
    if trusted and key not in trusted:
        raise SignatureError(msg("it is signed by {key}, which is not trusted here", key=key.id))
    if named != of:
        raise SignatureError(msg("its signature is of {named!r}: it was moved", named=named))
    if digest != hashlib.sha256(data).hexdigest():
        raise SignatureError(msg("it was edited after it was signed"))
    return Signature(key, "" if previous == "none" else previous)


def _public(native: Ed25519PublicKey) -> PublicKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return PublicKey(native.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


def _native(key: PublicKey) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives import serialization

    native = serialization.load_ssh_public_key(key.line.encode())
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not isinstance(native, Ed25519PublicKey):
        raise ValueError(msg("of another kind"))
    return native
