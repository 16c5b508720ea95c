"""Streams through age, in both directions, through pyrage.

The library pulls: it reads from a file object to its end, and writes to another one. What is written piece by piece is
handed over to a thread in which it does so. It gives only the text of an exception of either object, which is why they
remember theirs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from dbops.errors import BadBackupError
from dbops.keys.age import Identity, Recipient, library
from dbops.language import msg
from dbops.store.base import Sink

_WAITING_BYTES = 4 << 20
"""Handed over and not yet encrypted, at most: memory stays flat when the store is slower than the dump."""
_CUT = ("truncated", "Incomplete header", "failed to fill whole buffer")
CUT_HINT = msg("it was cut: look whether the job that made it was killed or ran out of space, and use another one")
BYTES_HINT = msg("its bytes have changed since it was made, or it was cut: use another one, and look at the storage")


class WrongKeyError(Exception):
    """None of the identities is one of the recipients."""


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
        """A small text, encrypted whole."""
        return bytes(library().encrypt(data, self._natives))

    def _encrypt(self, source: Any, target: _Remembering) -> None:
        pyrage = library()
        try:
            pyrage.encrypt_io(source, target, self._natives)
        except (pyrage.EncryptError, OSError):
            raise target.error or getattr(source, "error", None) or OSError(msg("age could not encrypt")) from None


class Opener:
    """Decrypts with identities."""

    def __init__(self, keys: Sequence[Identity]) -> None:
        self._keys = tuple(keys)

    @property
    def ids(self) -> tuple[str, ...]:
        """The keys that it has, by their public halves."""
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
    return BadBackupError(msg("{name} cannot be decrypted: {reason}", name=name, reason=text), hint=hint, kind=kind)


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
