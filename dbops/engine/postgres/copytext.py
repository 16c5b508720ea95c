r"""Rows as COPY text: one line a row, newlines inside values escaped, ended by a line `\.` that no row can be.

The same text stands in an archive, in the script that pg_restore prints, and in what `COPY … TO STDOUT` sends; so one
SHA-256 over it, in heap order, is one fingerprint for source, archive and copy. Pure: knows no server and no file.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Callable
from typing import NamedTuple, Protocol

ORDERED = "copy-sha256"
"""SHA-256 of the table's COPY text in the order of the rows: what a dump and a restore keep."""

UNORDERED = "copy-sum64"
"""Sum, modulo 2**64, of the first 64 bits of each line's SHA-256: for tables whose rows come back in another order.

Summed, never XORed: two equal rows would cancel.
"""

_END = b"\n\\.\n"
_IDENTIFIER = r'(?:"(?:[^"]|"")*"|[^\s".(),]+)'
_HEADER = re.compile(rf"COPY ({_IDENTIFIER})\.({_IDENTIFIER}) (?:\((.*)\))? ?FROM stdin;\n", re.DOTALL)
_COLUMN = re.compile(_IDENTIFIER)


class Hasher(Protocol):
    """What digests the text of rows: one of `hashlib`, or `LineSum`."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class LineSum:
    """The `UNORDERED` fingerprint, fed in pieces. About one microsecond a row: only where order is not kept."""

    def __init__(self) -> None:
        self._sum = 0
        self._partial = b""

    def update(self, data: bytes, /) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._sum += line_hash(line)

    def hexdigest(self) -> str:
        return f"{self._sum % 2**64:016x}"


def line_hash(line: bytes) -> int:
    """The 64 bits by which a row counts in the `UNORDERED` fingerprint; `line` is without its newline."""
    return int.from_bytes(hashlib.sha256(line).digest()[:8], "big")


class Block(NamedTuple):
    """One table's rows: `header` is the COPY line that came before them (empty for a bare block)."""

    header: str
    rows: int
    digest: str


class CopyHeader(NamedTuple):
    """What `COPY … FROM stdin` in a script says of the rows that follow."""

    schema: str
    name: str
    columns: tuple[str, ...]


class RowsDigest:
    r"""Takes COPY text in pieces until its `\.` line; `finished` then holds what followed it."""

    def __init__(self, *, ordered: bool = True, on_text: Callable[[bytes], None] | None = None) -> None:
        self._kind = ORDERED if ordered else UNORDERED
        self._hasher: Hasher = hashlib.sha256() if ordered else LineSum()
        self._held = b"\n"  # a line `\.` right at the start ends an empty table
        self._virtual = 1  # that first newline is not data
        self._on_text = on_text
        self.rows = 0
        self.rest: bytes | None = None

    def feed(self, data: bytes) -> bool:
        """True once the end is reached; `rest` is then what came after it."""
        data = self._held + data
        end = data.find(_END)
        if end >= 0:
            self._take(data[: end + 1])
            self.rest = data[end + len(_END) :]
            return True
        keep = min(len(data), len(_END) - 1)
        self._take(data[: len(data) - keep])
        self._held = data[len(data) - keep :]
        return False

    @property
    def digest(self) -> str:
        return f"{self._kind}:{self._hasher.hexdigest()}"

    def _take(self, data: bytes) -> None:
        if self._virtual and data:
            data, self._virtual = data[1:], 0
        if data:
            self.rows += data.count(b"\n")
            self._hasher.update(data)
            if self._on_text is not None:
                self._on_text(data)


class ScriptReader:
    """Reads the data part of a script as pg_restore prints it (`--data-only`), in pieces, and finds each table's rows.

    Only the data part: a function's body could hold lines that look like a COPY.
    """

    def __init__(
        self,
        *,
        codec: str = "utf-8",
        on_block: Callable[[Block], None] | None = None,
        ordered: Callable[[str], bool] = lambda _: True,
        on_text: Callable[[str], Callable[[bytes], None] | None] = lambda _: None,
    ) -> None:
        self.blocks: list[Block] = []
        self._codec = codec
        self._on_block = on_block
        self._ordered = ordered
        self._on_text = on_text
        self._text = b""
        self._header = ""
        self._rows: RowsDigest | None = None

    def feed(self, data: bytes) -> None:
        """Takes the next piece of the script, of any length."""
        while data:
            data = self._outside(data) if self._rows is None else self._inside(self._rows, data)

    def complete(self) -> bool:
        """False when the script ended in the midst of a table's rows."""
        return self._rows is None

    def _outside(self, data: bytes) -> bytes:
        text, start = self._text + data, 0
        while (end := text.find(b"\n", start)) >= 0:
            if not text.startswith(b"COPY ", start):
                start = end + 1
                continue
            # A quoted name may hold a newline: the line ends where the quotes are even again.
            while end >= 0 and text.count(b'"', start, end) % 2:
                end = text.find(b"\n", end + 1)
            if end < 0:
                break
            self._text, self._header = b"", text[start : end + 1].decode(self._codec, "surrogateescape")
            self._rows = RowsDigest(ordered=self._ordered(self._header), on_text=self._on_text(self._header))
            return text[end + 1 :]
        self._text = text[start:]
        return b""

    def _inside(self, rows: RowsDigest, data: bytes) -> bytes:
        if not rows.feed(data):
            return b""
        block = Block(self._header, rows.rows, rows.digest)
        self.blocks.append(block)
        self._rows = None
        if self._on_block is not None:
            self._on_block(block)
        return rows.rest or b""


def merge(one: str, other: str) -> str:
    """The digest of two parts of one table, in either order. Only sums can be merged; else the result is empty."""
    kinds = {one.partition(":")[0], other.partition(":")[0]}
    if kinds != {UNORDERED}:
        return ""
    total = sum(int(digest.partition(":")[2], 16) for digest in (one, other))
    return f"{UNORDERED}:{total % 2**64:016x}"


def codec(encoding: str) -> str:
    """Python's codec for a PostgreSQL server encoding (manual, 'Character Set Support'); UTF-8 where there is none."""
    name = encoding.upper()
    if name.startswith("WIN"):
        name = "cp" + name[3:]
    elif name.startswith("LATIN"):
        renumbered = {"5": "9", "6": "10", "7": "13", "8": "14", "9": "15", "10": "16"}
        name = "iso8859-" + renumbered.get(name[5:], name[5:])
    else:
        name = {"EUC_CN": "gb2312", "KOI8R": "koi8_r", "KOI8U": "koi8_u"}.get(name, name)
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "utf-8"


def parse_header(header: str) -> CopyHeader | None:
    """`COPY public."a b" (id, "x y") FROM stdin;` taken apart; None if it is not such a line."""
    match = _HEADER.fullmatch(header)
    if match is None:
        return None
    columns = tuple(_unquote(name) for name in _COLUMN.findall(match[3] or ""))
    return CopyHeader(_unquote(match[1]), _unquote(match[2]), columns)


def _unquote(identifier: str) -> str:
    return identifier[1:-1].replace('""', '"') if identifier.startswith('"') else identifier
