r"""Which rows differ between an archive and a copy. Pure: works on lines of COPY text, wherever they come from.

Rows are compared as a multiset, in memory that does not grow with the table: first every line adds 64 bits of its hash
to one of some thousand sums, on both sides; only lines of sums that differ are then looked at one by one.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from dbops.language import msg
from dbops.model import Finding, Severity

BUCKETS = 4096
SHOWN_ROWS = 20
SHOWN_CHARACTERS = 80
_LOOKED_INTO = 64
_TRACKED_LINES = 1 << 20
"""At most so many buckets are looked into, and about so many of their lines kept in mind: enough to show rows."""
_MASK = (1 << 64) - 1
_UNESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}

Pieces = Callable[[], Iterable[bytes]]
"""Opens COPY text anew: pieces of any length, perhaps ended by a line `\\.`."""


class Differences(NamedTuple):
    """Lines that only the archive has, and only the copy, each as often as it is missing on the other side; at most
    `SHOWN_ROWS` of each, and their partners by key. `equal`: the same rows, at most in another order."""

    equal: bool
    only_archive: tuple[bytes, ...] = ()
    only_copy: tuple[bytes, ...] = ()


def differences(archive: Pieces, copy: Pieces, key: Sequence[int] = ()) -> Differences:
    """Reads both sides once if they are equal, up to four times if not. `key`: places of the columns that tell rows
    apart: for each row that is shown, the other side's row of the same key is shown too."""
    (first, rows), (second, _) = _sums(archive()), _sums(copy())
    wrong = [number for number in range(BUCKETS) if first[number] != second[number]]
    if not wrong:
        return Differences(equal=True)
    looked_into = max(1, min(_LOOKED_INTO, _TRACKED_LINES * BUCKETS // max(1, rows)))
    surplus = _surplus(archive, copy, set(wrong[:looked_into]))
    missing = {key: count for key, count in surplus.items() if count > 0}
    extra = {key: -count for key, count in surplus.items() if count < 0}
    only_archive, only_copy = _collect(archive, missing), _collect(copy, extra)
    if key:
        only_copy += _partners(copy, only_archive, only_copy, key)
        only_archive += _partners(archive, only_copy, only_archive, key)
    return Differences(False, only_archive, only_copy)


def lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    r"""Whole lines without their ends, up to a line `\.`."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            if line == b"\\.":
                return
            yield line
    if rest and rest != b"\\.":
        yield rest


def _sums(pieces: Iterable[bytes]) -> tuple[array[int], int]:
    """The sums of all buckets, and the number of lines."""
    sums, count = array("Q", bytes(8 * BUCKETS)), 0
    for line in lines(pieces):
        value = _hash(line)
        sums[value % BUCKETS] = (sums[value % BUCKETS] + value) & _MASK
        count += 1
    return sums, count


def _hash(line: bytes) -> int:
    return int.from_bytes(hashlib.sha256(line).digest()[:8], "big")


def _surplus(archive: Pieces, copy: Pieces, wanted: set[int]) -> dict[int, int]:
    """hash -> how many more the archive has, for the lines in the wanted buckets; without zeros."""
    counts: dict[int, int] = {}
    for pieces, step in ((archive, 1), (copy, -1)):
        for line in lines(pieces()):
            value = _hash(line)
            if value % BUCKETS not in wanted:
                continue
            counts[value] = counts.get(value, 0) + step
    return {value: count for value, count in counts.items() if count}


def _collect(pieces: Pieces, wanted: dict[int, int]) -> tuple[bytes, ...]:
    found: list[bytes] = []
    if not wanted:
        return ()
    for line in lines(pieces()):
        value = _hash(line)
        if wanted.get(value, 0) > 0:
            wanted[value] -= 1
            found.append(line)
            if len(found) >= SHOWN_ROWS:
                break
    return tuple(found)


def _partners(pieces: Pieces, shown: Sequence[bytes], there: Sequence[bytes], key: Sequence[int]) -> tuple[bytes, ...]:
    """The lines of a side that have the key of a line shown of the other side, beyond those of it that are known."""

    def keys(found: Sequence[bytes]) -> set[tuple[bytes, ...]]:
        return {_key(line.split(b"\t"), key) for line in found}

    wanted = keys(shown) - keys(there)
    if not wanted:
        return ()
    found = (line for line in lines(pieces()) if _key(line.split(b"\t"), key) in wanted)
    return tuple(islice(found, len(wanted)))


def explain(label: str, found: Differences, columns: Sequence[str], key: Sequence[str]) -> list[Finding]:
    """Differences as findings: rows with the same key are put side by side, column by column."""
    if found.equal:
        actual = msg("the same rows in another order")
        return [
            Finding(id="row-order", severity=Severity.INFO, subject=label, expected=msg("equal rows"), actual=actual)
        ]
    places = [columns.index(name) for name in key if name in columns]
    copies: dict[tuple[bytes, ...], list[list[bytes]]] = {}
    for line in found.only_copy:
        fields = line.split(b"\t")
        copies.setdefault(_key(fields, places), []).append(fields)
    result = []
    for line in found.only_archive:
        fields = line.split(b"\t")
        partners = copies.get(_key(fields, places)) if places else None
        if partners:
            result.append(_changed(label, columns, places, fields, partners.pop()))
        else:
            result.append(_row("row-missing", label, columns, places, fields, there=False))
    rest = (fields for group in copies.values() for fields in group)
    result += [_row("row-extra", label, columns, places, fields, there=True) for fields in rest]
    return result[:SHOWN_ROWS]


def _key(fields: Sequence[bytes], places: Sequence[int]) -> tuple[bytes, ...]:
    return tuple(fields[place] for place in places if place < len(fields))


def _subject(label: str, columns: Sequence[str], places: Sequence[int], fields: Sequence[bytes]) -> str:
    return " ".join([label, *(f"{columns[p]}={value_text(fields[p])}" for p in places if p < len(fields))])


def _changed(
    label: str, columns: Sequence[str], places: Sequence[int], before: Sequence[bytes], now: Sequence[bytes]
) -> Finding:
    changed = [(c, b, n) for c, b, n in zip(columns, before, now, strict=False) if b != n]
    return Finding(
        id="row-differs",
        severity=Severity.ERROR,
        subject=_subject(label, columns, places, before),
        expected=", ".join(f"{column}={value_text(value)}" for column, value, _ in changed),
        actual=", ".join(f"{column}={value_text(value)}" for column, _, value in changed),
    )


def _row(
    kind: str, label: str, columns: Sequence[str], places: Sequence[int], fields: Sequence[bytes], *, there: bool
) -> Finding:
    text = ", ".join(f"{c}={value_text(v)}" for c, v in zip(columns, fields, strict=False))[: 3 * SHOWN_CHARACTERS]
    expected, actual = (msg("no such row"), text) if there else (text, msg("no such row"))
    subject = _subject(label, columns, places, fields)
    return Finding(id=kind, severity=Severity.ERROR, subject=subject, expected=expected, actual=actual)


def value_text(value: bytes) -> str:
    r"""A value of COPY text for people: NULL apart from the text, escapes resolved, cut to some length."""
    if value == b"\\N":
        return "NULL"
    plain, rest = b"", value
    while b"\\" in rest:
        before, _, after = rest.partition(b"\\")
        plain += before + _UNESCAPED.get(after[:1], after[:1])
        rest = after[1:]
    text = (plain + rest).decode("utf-8", "replace")
    return repr(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…")
