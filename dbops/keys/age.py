"""age (https://age-encryption.org/v1) through pyrage: recipients, identities, and streams in both directions.

The library pulls: it reads from a file object to its end, and writes to another one. What is written piece by piece is
handed over to a thread in which it does so. It gives only the text of an exception of either object, which is why they
remember theirs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import IO, Any, NamedTuple

from dbops.errors import BadBackupError, PreflightError
from dbops.store.base import Sink

_SECRET = "AGE-SECRET-KEY-"  # noqa: S105 - how one begins
_MARKS = (b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----")
_SSH_BEGINS = b"-----BEGIN "
_WAITING_BYTES = 4 << 20
"""Handed over and not yet encrypted, at most: memory stays flat when the store is slower than the dump."""
_CUT = ("truncated", "Incomplete header", "failed to fill whole buffer")
CUT_HINT = "it was cut: look whether the job that made it was killed or ran out of space, and use another one"
BYTES_HINT = "its bytes have changed since it was made, or it was cut: use another one, and look at the storage"
INSTALL_HINT = "pip install 'dbops[age]'"
ALLOWED = "'age1…' (age-keygen), 'ssh-ed25519 …' or 'ssh-rsa …'"


class Recipient(NamedTuple):
    """Who can read: `id` names the key for people, an `age1…` as a whole, an SSH key by its fingerprint."""

    id: str
    native: Any


class Identity(NamedTuple):
    """A private key; `id` is the one of its recipient."""

    id: str
    native: Any


class WrongKeyError(Exception):
    """None of the identities is one of the recipients."""


def library() -> Any:
    """pyrage; `PreflightError` where it is not installed."""
    try:
        return import_module("pyrage")
    except ImportError:
        raise PreflightError("encryption with age needs pyrage", hint=INSTALL_HINT, kind="tool-missing") from None


# --- keys ---------------------------------------------------------------------------------------------------------


def recipient(text: str) -> Recipient:
    """A public key; `ValueError` says what is wrong with it, without repeating a private one."""
    pyrage = library()
    if text.startswith(_SECRET):
        raise ValueError(f"it is a private key, which must stay secret; expected {ALLOWED}")
    ssh = text.startswith("ssh-")
    if not ssh and not text.startswith("age1"):
        raise ValueError(f"expected {ALLOWED}")
    try:
        native = (pyrage.ssh if ssh else pyrage.x25519).Recipient.from_str(text)
    except pyrage.RecipientError:
        raise ValueError("it is no public key: a character is wrong, or it was cut") from None
    return Recipient(fingerprint(text) if ssh else text, native)


def fingerprint(line: str) -> str:
    """Of an SSH public key, as `ssh-keygen -l` prints it; `ValueError` if it has no key."""
    try:
        blob = base64.b64decode(line.split()[1], validate=True)
    except (IndexError, binascii.Error):
        raise ValueError("it is no SSH public key") from None
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
            raise ValueError("it is encrypted itself, and no passphrase is given")
        return identities(unwrap(data, passphrase))
    if data.lstrip().startswith(_SSH_BEGINS):
        try:
            return [Identity(_ssh_id(data), pyrage.ssh.Identity.from_buffer(data))]
        except pyrage.IdentityError:
            raise ValueError("its SSH key cannot be used: ed25519 or RSA, and without a passphrase") from None
    try:
        lines = lines_of(data.decode())
    except UnicodeDecodeError:
        raise ValueError("it is no key file") from None
    try:
        natives = [pyrage.x25519.Identity.from_str(line) for line in lines]
    except pyrage.IdentityError:
        raise ValueError(f"it is no key file: expected lines that begin with {_SECRET}, or an SSH key") from None
    if not natives:
        raise ValueError("it is empty")
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
        raise ValueError("the passphrase does not fit") from None


# --- streams ------------------------------------------------------------------------------------------------------


class Sealer:
    """Encrypts to recipients, of which there is at least one."""

    def __init__(self, recipients: Sequence[Recipient]) -> None:
        self._natives = [item.native for item in recipients]

    @contextmanager
    def writer(self, sink: Sink) -> Iterator[Sink]:
        """What is written to it reaches `sink` encrypted: all of it when the block has ended, and none of the end,
        without which it cannot be read, if the block fails. An error of `sink` is raised as it is."""
        feed, target = _Feed(), _Remembering(sink)
        errors: list[Exception] = []

        def work() -> None:
            try:
                self._encrypt(feed, target)
            except Exception as error:  # noqa: BLE001 - raised again where the bytes come from
                errors.append(error)
            finally:
                feed.leave()

        thread = threading.Thread(target=work, name="encrypt", daemon=True)
        thread.start()
        try:
            yield feed
            feed.end()
        except _LeftError:
            pass
        except BaseException:
            feed.abandon()
            raise
        finally:
            thread.join()
        if errors:
            raise errors[0]

    def copy(self, source: IO[bytes], sink: Sink) -> None:
        """Encrypts a file to its end."""
        self._encrypt(source, _Remembering(sink))

    def sealed(self, data: bytes) -> bytes:
        return bytes(library().encrypt(data, self._natives))

    def _encrypt(self, source: Any, target: _Remembering) -> None:
        pyrage = library()
        try:
            pyrage.encrypt_io(source, target, self._natives)
        except (pyrage.EncryptError, OSError):
            raise target.error or getattr(source, "error", None) or OSError("age could not encrypt") from None


class Opener:
    """Decrypts with identities."""

    def __init__(self, keys: Sequence[Identity]) -> None:
        self._keys = tuple(keys)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(item.id for item in self._keys)

    def copy(self, chunks: Iterator[bytes], sink: Sink, name: str) -> None:
        """Decrypts to the authenticated end. Raises `WrongKeyError`, or `BadBackupError` of kind 'archive-truncated'
        or 'archive-corrupt'; an error of either side is raised as it is."""
        pyrage = library()
        source, target = _Pieces(chunks), _Remembering(sink)
        try:
            pyrage.decrypt_io(source, target, [item.native for item in self._keys])
        except (pyrage.DecryptError, OSError) as error:
            own = source.error or target.error
            if own is not None:
                raise own from None
            raise _explained(error, name) from None

    def opened(self, data: bytes, name: str) -> bytes:
        """See `copy`."""
        taken: list[bytes] = []
        self.copy(iter([data]), _Taking(taken), name)
        return b"".join(taken)


def _explained(error: Exception, name: str) -> Exception:
    text = str(error)
    if "No matching keys" in text:
        return WrongKeyError(name)
    cut = any(words in text for words in _CUT)
    kind, hint = ("archive-truncated", CUT_HINT) if cut else ("archive-corrupt", BYTES_HINT)
    return BadBackupError(f"{name} cannot be decrypted: {text}", hint=hint, kind=kind)


class _LeftError(Exception):
    """The library takes no more: why, it has said."""


class _AbandonedError(Exception):
    """There will be no end."""


class _Feed:
    """Bytes handed from the thread that has them to the one in which the library reads."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._waiting = deque[bytes]()
        self._held = 0
        self._rest = memoryview(b"")
        self._ended = self._abandoned = self._left = False

    def write(self, data: bytes) -> None:
        with self._turn:
            self._turn.wait_for(lambda: self._held < _WAITING_BYTES or self._left)
            if self._left:
                raise _LeftError
            self._waiting.append(data)
            self._held += len(data)
            self._turn.notify_all()

    def end(self) -> None:
        with self._turn:
            self._ended = True
            self._turn.notify_all()

    def abandon(self) -> None:
        with self._turn:
            self._abandoned = True
            self._turn.notify_all()

    def leave(self) -> None:
        """The reader is gone: whoever writes must not wait for it."""
        with self._turn:
            self._left = True
            self._turn.notify_all()

    def read(self, size: int) -> bytes:
        while not self._rest:
            with self._turn:
                self._turn.wait_for(lambda: self._waiting or self._ended or self._abandoned)
                if self._abandoned:
                    raise _AbandonedError
                if not self._waiting:
                    return b""
                data = self._waiting.popleft()
                self._held -= len(data)
                self._turn.notify_all()
            self._rest = memoryview(data)
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece.tobytes()


class _Pieces:
    """An iterator as a file to read from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        try:
            while not self._rest:
                self._rest = memoryview(next(self._chunks))
        except StopIteration:
            return b""
        except BaseException as error:
            self.error = error
            raise
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece.tobytes()


class _Remembering:
    """A file to write to, that knows why it could not."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        try:
            self._sink.write(data)
        except BaseException as error:
            self.error = error
            raise
        return len(data)

    def flush(self) -> None:
        """The library asks for it; the sink's owner decides when."""


class _Taking:
    def __init__(self, taken: list[bytes]) -> None:
        self._taken = taken

    def write(self, data: bytes) -> None:
        self._taken.append(data)
