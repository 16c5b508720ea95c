"""Streams through age: what comes out is what went in, the plain program reads it, what was cut or changed is found."""

from __future__ import annotations

import contextlib
import os
import pty
import random
import subprocess
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from dbops.errors import BadBackupError, StoreFullError
from dbops.keys import age, stream
from tests.keys import age_tool, new_identity, new_ssh_key

CHUNK = 65536
"""Plain bytes of one authenticated piece of an age file; 16 more when it is encrypted."""
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 5_000_000]


class Kept:
    """What was written."""

    def __init__(self, full: int | None = None) -> None:
        self.data = b""
        self._full = full

    def write(self, data: bytes) -> None:
        if self._full is not None and len(self.data) >= self._full:
            raise StoreFullError("no room", kind="store-full")
        self.data += data


@pytest.fixture(scope="module")
def key() -> age.Identity:
    return age.generate()


def sealer(*keys: age.Identity) -> stream.Sealer:
    return stream.Sealer([age.recipient(one.id) for one in keys])


def pieces(data: bytes, seed: int) -> Iterator[bytes]:
    """The data in pieces of any length, also empty ones."""
    dice, at = random.Random(seed), 0
    while at < len(data):
        size = dice.choice([0, 1, 100, 8191, 8192, 65536, 300_000])
        yield data[at : at + size]
        at += size


def fed(key: age.Identity, sink: Kept, source: Iterable[bytes]) -> None:
    with sealer(key).writer(sink) as writer:
        for piece in source:
            writer.write(piece)


def streamed(keys: stream.Sealer, data: bytes) -> bytes:
    sink = Kept()
    with keys.writer(sink) as writer:
        for piece in pieces(data, len(data)):
            writer.write(piece)
    return sink.data


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_comes_back(key: age.Identity, size: int) -> None:
    data = os.urandom(size)
    sealed = streamed(sealer(key), data)
    assert sealed != data
    assert stream.Opener([key]).opened(sealed, "x") == data
    taken = Kept()
    stream.Opener([age.generate(), key]).copy(pieces(sealed, 7), taken, "x")
    assert taken.data == data


def test_the_plain_program_reads_a_stream_with_every_kind_of_key(tmp_path: Path) -> None:
    (own, line), (ed, ed_line), (rsa, rsa_line) = (
        new_identity(tmp_path),
        *(new_ssh_key(tmp_path, kind) for kind in ("ed25519", "rsa")),
    )
    data = os.urandom(200_000)
    sealed = tmp_path / "x.age"
    sealed.write_bytes(streamed(stream.Sealer([age.recipient(text) for text in (line, ed_line, rsa_line)]), data))
    for path in (own, ed, rsa):
        done = subprocess.run([age_tool(), "--decrypt", "-i", str(path), str(sealed)], capture_output=True, check=True)
        assert done.stdout == data
        (identity,) = age.identities(path.read_bytes())
        assert stream.Opener([identity]).opened(sealed.read_bytes(), "x") == data


def test_what_the_plain_program_has_encrypted_is_read(tmp_path: Path) -> None:
    path, line = new_identity(tmp_path)
    argv = [age_tool(), "--encrypt", "-r", line]
    sealed = subprocess.run(argv, input=b"some rows", capture_output=True, check=True).stdout
    assert stream.Opener(age.identities(path.read_bytes())).opened(sealed, "x") == b"some rows"


def test_ids_are_what_the_tools_print(tmp_path: Path) -> None:
    path, line = new_ssh_key(tmp_path)
    printed = subprocess.run(["ssh-keygen", "-l", "-f", str(path)], capture_output=True, text=True, check=True).stdout
    assert age.recipient(line).id == age.identities(path.read_bytes())[0].id == printed.split()[1]
    path, line = new_identity(tmp_path)
    assert age.recipient(line).id == age.identities(path.read_bytes())[0].id == line


def cuts() -> list[int]:
    """Bytes taken off the end of an age file of three whole pieces: the last piece, two of them, all, single bytes."""
    return [1, 16, 17, CHUNK, CHUNK + 16, 2 * (CHUNK + 16), 3 * (CHUNK + 16), 3 * (CHUNK + 16) + 20]


@pytest.mark.parametrize("cut", cuts())
def test_a_file_that_was_cut_is_found(key: age.Identity, cut: int) -> None:
    """At a piece's end, too: the last piece says that it is the last."""
    sealed = streamed(sealer(key), os.urandom(3 * CHUNK))
    with pytest.raises(BadBackupError) as raised:
        stream.Opener([key]).opened(sealed[:-cut], "x.age")
    assert raised.value.kind in ("archive-truncated", "archive-corrupt")
    if cut % (CHUNK + 16) == 0:
        assert raised.value.kind == "archive-truncated"


@pytest.mark.parametrize("at", [10, 100, -1, -CHUNK, -2 * CHUNK])
def test_a_flipped_bit_is_found(key: age.Identity, at: int) -> None:
    sealed = bytearray(streamed(sealer(key), os.urandom(3 * CHUNK)))
    sealed[at] ^= 1
    with pytest.raises((BadBackupError, stream.WrongKeyError)):
        stream.Opener([key]).opened(bytes(sealed), "x")


def test_pieces_that_change_places_are_found(key: age.Identity) -> None:
    sealed = streamed(sealer(key), os.urandom(3 * CHUNK))
    head, size = len(sealed) - 3 * (CHUNK + 16), CHUNK + 16
    swapped = sealed[:head] + sealed[head + size : head + 2 * size] + sealed[head : head + size] + sealed[-size:]
    with pytest.raises(BadBackupError):
        stream.Opener([key]).opened(swapped, "x")


def test_another_key_does_not_open(key: age.Identity) -> None:
    with pytest.raises(stream.WrongKeyError):
        stream.Opener([age.generate()]).opened(sealer(key).sealed(b"x"), "x")


@pytest.mark.parametrize("full", [0, 100_000])
def test_an_error_of_the_store_is_the_one_that_is_told(key: age.Identity, full: int) -> None:
    """And whoever writes does not wait for ever."""
    with pytest.raises(StoreFullError):
        fed(key, Kept(full), [bytes(100_000)] * 200)
    assert not [thread for thread in threading.enumerate() if thread.name == "encrypt"]


def test_a_block_that_fails_leaves_no_end(key: age.Identity) -> None:
    """Else half a dump would decrypt as if it were whole."""
    sink = Kept()

    def dump() -> Iterator[bytes]:
        yield bytes(CHUNK)
        raise RuntimeError("the dump broke")

    with pytest.raises(RuntimeError, match="the dump broke"):
        fed(key, sink, dump())
    with pytest.raises(BadBackupError):
        stream.Opener([key]).opened(sink.data, "x")
    assert not [thread for thread in threading.enumerate() if thread.name == "encrypt"]


def test_memory_does_not_grow_when_the_store_is_slow(key: age.Identity) -> None:
    waiting = threading.Event()

    class Slow(Kept):
        def write(self, data: bytes) -> None:
            waiting.wait(30)

    given = 0

    def give() -> None:
        nonlocal given
        with sealer(key).writer(Slow()) as writer:
            for _ in range(64):
                writer.write(bytes(1 << 20))
                given += 1

    thread = threading.Thread(target=give)
    thread.start()
    thread.join(1)  # it blocks: no more can come in this time, or in any
    held = given
    waiting.set()
    thread.join(30)
    assert held <= 8
    assert given == 64


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("age1qqqqqq", "it is no public key"),
        ("ssh-ed25519 AAAA", "it is no public key"),
        ("someone@example.com", "expected 'age1…'"),
        ("AGE-SECRET-KEY-1QQQ", "private key"),
    ],
)
def test_a_recipient_that_is_none(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as raised:
        age.recipient(text)
    assert "1QQQ" not in str(raised.value)


def test_an_identity_that_is_none(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", str(locked)], check=True)
    wrapped = age.wrap(age.generate(), "right")
    for data, words in (
        (b"", "it is empty"),
        (b"# only a comment\n", "it is empty"),
        (b"AGE-SECRET-KEY-1QQQ\n", "no key file"),
        (b"\xff\xfe", "no key file"),
        (locked.read_bytes(), "passphrase"),
        (wrapped, "encrypted itself"),
    ):
        with pytest.raises(ValueError, match=words):
            age.identities(data)
    with pytest.raises(ValueError, match="does not fit"):
        age.identities(wrapped, "wrong")
    assert len(age.identities(wrapped, "right")) == 1


def test_the_plain_program_opens_a_wrapped_key_by_its_passphrase(key: age.Identity, tmp_path: Path) -> None:
    """It asks on its terminal, as whoever restores by hand sees it."""
    (tmp_path / "key.age").write_bytes(age.wrap(key, "open sesame"))
    (tmp_path / "x.age").write_bytes(sealer(key).sealed(b"some rows"))
    argv = [age_tool(), "--decrypt", "--identity", "key.age", "--output", "x", "x.age"]
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execv(argv[0], argv)
    shown = b""
    while b"passphrase" not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, b"open sesame\n")
    with contextlib.suppress(OSError):  # Linux says so when the other end is closed
        while data := os.read(terminal, 1000):
            shown += data
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, shown
    assert (tmp_path / "x").read_bytes() == b"some rows"
