r"""INSERT statements that are longer than a server takes, as several that it does take.

A row came to the source as parameters, or in a packet of its own; in a dump it is text, in which each byte is two
characters and quotes are escaped. So a BLOB of more than half of `max_allowed_packet` makes a statement that the very
server that holds it refuses, by closing the connection. Its long values are therefore brought piece by piece into
variables of the session, and the INSERT names those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SPARE = 4096
"""Of a packet: the protocol's own bytes, and what is written around a piece."""
_PIECES = 4
"""A value is brought in pieces of this part of a packet; shorter ones stay where they are."""
_LITERAL = re.compile(rb"(?:_[A-Za-z0-9]+ ?)?'(?:[^'\\]++|\\.|'')*+'|0x[0-9A-Fa-f]++|`(?:[^`]|``)*+`", re.DOTALL)
_INTRODUCER = re.compile(rb"_[A-Za-z0-9]+ ?(?=')")


class TooLongError(Exception):
    """A value that the server cannot hold in one piece either. `needed`: bytes of max_allowed_packet."""

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


def statements(text: bytes, packet: int) -> Iterator[bytes]:
    """The INSERT itself if it fits into a packet of so many bytes; else statements that do the same, one after the
    other in one session. Raises `TooLongError` before anything of it is sent."""
    room = packet - _SPARE
    if len(text) <= room:
        yield text
        return
    piece = max(room // _PIECES, 2)
    kept: list[bytes] = []
    long: list[bytes] = []
    at = 0
    for found in _LITERAL.finditer(text):
        if found.end() - found.start() <= piece or found[0][:1] == b"`":
            continue
        kept += [text[at : found.start()], b"@dbops_%d" % len(long)]
        long.append(found[0])
        at = found.end()
    insert = b"".join([*kept, text[at:]])
    largest = max([len(insert), *(_bytes_of(literal) for literal in long)])
    if largest > room:  # the server would make NULL of it, with a mere warning
        raise TooLongError(largest + _SPARE)
    for number, literal in enumerate(long):
        name, whole = b"@dbops_%d" % number, b""
        for part in _cut(literal, piece):
            yield b"SET %s = %s" % (name, b"CONCAT(%s, %s)" % (name, part) if whole else part)
            whole = name
    yield insert
    for number in range(len(long)):
        yield b"SET @dbops_%d = NULL" % number


def _bytes_of(literal: bytes) -> int:
    """How long the value is, at the most."""
    return len(literal) // 2 if literal[:2] == b"0x" else len(literal)


def _cut(literal: bytes, size: int) -> Iterator[bytes]:
    """The literal as several of the same kind, that joined give its value."""
    if literal[:2] == b"0x":
        if len(literal) % 2:  # an odd number of digits means a 0 before them
            literal = b"0x0" + literal[2:]
        for at in range(2, len(literal), size & ~1):
            yield b"0x" + literal[at : at + (size & ~1)]
        return
    introducer = found[0] if (found := _INTRODUCER.match(literal)) else b""
    # An escape stays whole, and so does a character of several bytes.
    units = re.compile(rb"(?:[^'\\]|\\.|''){1,%d}+" % (size // 2), re.DOTALL)
    at, end = len(introducer) + 1, len(literal) - 1
    while at < end:
        found = units.match(literal, at, end)
        assert found is not None  # noqa: S101 - what `_LITERAL` has matched consists of these
        after = found.end()
        while after < end and literal[after] & 0xC0 == 0x80 and after > at + 1:
            after -= 1
        yield introducer + b"'" + literal[at:after] + b"'"
        at = after
