r"""The rows in the INSERT statements of a dump: counted, read, and fingerprinted as `fingerprint.py` does in SQL.

No statement is read character by character. What is escaped goes first, all at once; then every quote that is left
begins or ends a string, so that splitting at quotes gives what stands inside and outside of strings; and outside of
strings every `),(` lies between two rows.

A pair of backslashes is found from the left, so none of its two can belong to another escape: that is why a plain
replacement of `\\`, and then of `\'`, is exact.
"""

from __future__ import annotations

import re
import sys
from array import array
from binascii import Error as HexError
from binascii import hexlify, unhexlify
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain
from typing import NamedTuple

from dbops.engine.mysql.columns import Form
from dbops.engine.mysql.json_numbers import brought_back
from dbops.engine.mysql.script_words import insert_parts

Value = bytes | None
"""A value as it is: text, a number or a date as printed, or bytes. None is NULL."""

_NULL_TEXT = b"-"
_QUOTES = re.compile(rb"'((?:[^'\\]|\\.|'')*+)'|\"((?:[^\"\\]|\\.|\"\")*+)\"", re.DOTALL)
_ESCAPES = ((b'\\"', b'"'), (b"\\n", b"\n"), (b"\\r", b"\r"), (b"\\0", b"\0"), (b"\\Z", b"\x1a"), (b"\\t", b"\t"))
_LAST_ESCAPES = re.compile(rb"\\([^%_])", re.DOTALL)  # \% and \_ keep their backslash: manual, 'String Literals'
_INTRODUCER = re.compile(rb"_[A-Za-z0-9]+'|[bBxXnN]'")
_BETWEEN_ROWS = re.compile(rb"\)\s*,\s*\(")
_MINUS_ZERO = re.compile(rb"-0(?:\.0+)?")
_SPACE = b" \t\r\n\f\v"
_UNLIKELY = (b"\xff", b"\xfe", b"\xc0", b"\xc1", b"\xfd", b"\xfc", b"\x01", b"\x02", b"\x03", b"\x04", b"\x05", b"\x06")


class UnreadableError(Exception):
    """An INSERT whose values are no plain literals, or not as many as the table has columns: it can only be counted."""


class Rows(NamedTuple):
    """The rows of one INSERT, all values in one list. `columns`: its column list, None if it has none."""

    columns: tuple[str, ...] | None
    number: int
    values: list[Value]


def count(text: bytes, *, escaped: bool = False) -> int:
    """Exact number of rows of an INSERT. `escaped`: newlines in strings are known to be (`Statement.escaped`)."""
    _, at = insert_parts(text)
    if at < 0:
        return 0
    newlines = text.find(b"\n(", at) >= 0
    if escaped and newlines:  # a row a line: no string holds a newline
        return text.count(b"),\n(", at) + 1
    if b"'" not in text and b'"' not in text:
        return len(_BETWEEN_ROWS.findall(text, at)) + 1 if newlines else text.count(b"),(", at) + 1
    body = text[at:]
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b"\\'", b"")
        body = body if escaped else body.replace(b'\\"', b"")
    if escaped:
        pieces = body.split(b"),(")
        if not any(map((1).__and__, map(_quotes_in, pieces))):
            return len(pieces)  # before each `),(` stands an even number of quotes
    outside = b"'".join(body.split(b"'")[::2])
    if not escaped:
        outside = b"'".join(_QUOTES.split(body)[::3]) if b'"' in body else outside
    return len(_BETWEEN_ROWS.findall(outside)) + 1


def _quotes_in(piece: bytes) -> int:
    return piece.count(b"'")


def read(text: bytes) -> Rows:
    """All values of an INSERT. `UnreadableError` if they are not all literals."""
    columns, at = insert_parts(text)
    if at < 0:
        raise UnreadableError
    body = text[at:]
    outside, strings = _apart(body)
    if b'"' in outside:  # mydumper's quotes
        outside, strings = _apart(_QUOTES.sub(_single_quoted, body))
    if b"''" in outside:  # a doubled quote is one of the text
        outside, strings = _apart(_QUOTES.sub(_single_quoted, body))
    outside = outside.translate(None, _SPACE)
    if b"_" in outside:
        outside = _INTRODUCER.sub(b"'", outside)
    between = outside.count(b"),(")
    if not (outside.count(b"(") == outside.count(b")") == between + 1 and outside[:1] == b"(" and outside[-1:] == b")"):
        raise UnreadableError
    tokens = outside[1:-1].replace(b"),(", b",").split(b",")
    if len(tokens) % (between + 1) or tokens.count(b"'") != len(strings):
        raise UnreadableError
    following = iter(strings).__next__
    values: list[Value]
    if b"0x" in outside:
        try:
            values = [
                following() if t == b"'" else None if t == b"NULL" else unhexlify(t[2:]) if t[:2] == b"0x" else t
                for t in tokens
            ]
        except HexError:
            raise UnreadableError from None
    else:
        values = [following() if t == b"'" else None if t == b"NULL" else t for t in tokens]
    return Rows(columns, between + 1, values)


def _apart(body: bytes) -> tuple[bytes, list[bytes]]:
    """What stands outside of single quotes, with one quote for each string, and the strings themselves, unescaped."""
    quote = b""
    if b"\\" in body:
        backslash = _absent(body)
        quote = _absent(body, backslash)
        body = body.replace(b"\\\\", backslash).replace(b"\\'", quote)
        if b"\\" in body:
            for escape, plain in _ESCAPES:
                body = body.replace(escape, plain)
            if b"\\" in body:
                body = _LAST_ESCAPES.sub(_last_escape, body)
        body = body.replace(backslash, b"\\")
    parts = body.split(b"'")
    strings = parts[1::2]
    if quote and quote in body:
        strings = [string.replace(quote, b"'") for string in strings]
    return b"'".join(parts[::2]), strings


def _last_escape(match: re.Match[bytes]) -> bytes:
    return b"\b" if match[1] == b"b" else match[1]


def _absent(body: bytes, taken: bytes = b"") -> bytes:
    """Something that does not occur. Pairs of two different bytes cannot come about beside what they stand for."""
    pairs = (bytes((a, b)) for a in range(1, 32) for b in range(128, 256))
    for mark in chain(_UNLIKELY, pairs):
        if mark not in body and not (taken and (mark[0] in taken or mark[-1] in taken)):
            return mark
    raise UnreadableError


def _single_quoted(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        # Of `\''` the first quote is escaped: pairs are taken from the left.
        inner = re.sub(rb"(\\.)|''", lambda m: m[1] or b"\\'", match[1], flags=re.DOTALL)
    else:
        inner = re.sub(
            rb"(\\.)|\"\"|'", lambda m: m[1] or (b"\\'" if m[0] == b"'" else b'"'), match[2], flags=re.DOTALL
        )
    return b"'" + inner + b"'"


# --- fingerprints ---------------------------------------------------------------------------------------------------


def row_sum(rows: Rows, places: Sequence[int], forms: Sequence[Form]) -> int:
    """The sum of the rows' 64-bit numbers. `places`: where the columns of the digest stand in each row."""
    width = len(rows.values) // rows.number
    columns = [_TEXTS[form](rows.values[place::width]) for place, form in zip(places, forms, strict=True)]
    comma = b",".join
    hashes = array("Q", b"".join([sha256(comma(row)).digest() for row in zip(*columns, strict=True)]))[::4]
    if sys.byteorder == "little":
        hashes.byteswap()
    return sum(hashes)


def _plain(values: Sequence[Value]) -> list[bytes]:
    texts = [_NULL_TEXT if v is None else v for v in values]
    if b",-0" in b"," + b",".join(texts):  # of a DOUBLE: no server takes it for minus zero
        return [text.removeprefix(b"-") if _MINUS_ZERO.fullmatch(text) else text for text in texts]
    return texts


def _hexadecimal(values: Iterable[Value]) -> list[bytes]:
    return [_NULL_TEXT if v is None else hexlify(v).upper() for v in values]


def _digest(values: Iterable[Value]) -> list[bytes]:
    return [_NULL_TEXT if v is None else hexlify(sha256(v).digest()) for v in values]


def _document(values: Iterable[Value]) -> list[bytes]:
    given = list(values)
    back = iter(brought_back(value for value in given if value is not None))
    return _digest([None if value is None else next(back) for value in given])


def _bits(values: Iterable[Value]) -> list[bytes]:
    return [_NULL_TEXT if v is None else b"%d" % int.from_bytes(v, "big") for v in values]


_TEXTS: dict[Form, Callable[[Sequence[Value]], list[bytes]]] = {
    Form.PLAIN: _plain,
    Form.BYTES: _hexadecimal,
    Form.PRINTED: _hexadecimal,
    Form.DIGEST: _digest,
    Form.DOCUMENT: _document,
    Form.BITS: _bits,
}


def each(rows: Rows, places: Sequence[int]) -> Iterator[list[Value]]:
    """The rows one by one, with the columns that are wanted."""
    width = len(rows.values) // rows.number
    for start in range(0, len(rows.values), width):
        yield [rows.values[start + place] for place in places]
