"""An INSERT that is longer than a packet becomes statements that are not, and do the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbops.engine.mysql.long_rows import TooLongError, statements
from dbops.engine.mysql.rows import read

PACKET = 4096 + 200
"""So that pieces are of fifty bytes."""


def played(parts: list[bytes]) -> bytes:
    """The INSERT with its variables' values written out again, by other means than they were taken apart."""
    values: dict[bytes, bytes] = {}
    for part in parts[:-1]:
        if found := re.fullmatch(rb"SET (@dbops_\d+) = CONCAT\(\1, (.*)\)", part, re.DOTALL):
            one, other = values[found[1]], found[2]
            values[found[1]] = one + other[2:] if other[:2] == b"0x" else one[:-1] + other[other.index(b"'") + 1 :]
        elif found := re.fullmatch(rb"SET (@dbops_\d+) = (.*)", part, re.DOTALL):
            values[found[1]] = found[2]
    return re.sub(rb"@dbops_\d+", lambda match: values[match[0]], parts[-1])


def insert_of(text: bytes) -> tuple[list[bytes], list[bytes]]:
    parts = list(statements(text, PACKET))
    place = next(number for number, part in enumerate(parts) if not part.startswith(b"SET "))
    return parts[: place + 1], parts[place + 1 :]


def literal(value: bytes | str) -> bytes:
    if isinstance(value, bytes):
        return b"0x" + value.hex().upper().encode() if value else b"''"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\0", "\\0")
    return b"'" + escaped.encode() + b"'"


VALUES = st.one_of(st.binary(max_size=190), st.text(alphabet="a'\\é日😀\n\0, (", max_size=90), st.just("`0x41' "))


@given(st.lists(VALUES, min_size=1, max_size=4), st.lists(VALUES, max_size=2))
@settings(max_examples=300)
def test_what_is_taken_apart_is_the_same(row: list[bytes | str], other: list[bytes | str]) -> None:
    rows = [b"(%s)" % b",".join(map(literal, values)) for values in (row, other) if values]
    text = b"INSERT INTO `t ''0x41` VALUES " + b",\n".join(rows)
    try:
        parts, after = insert_of(text)
    except TooLongError:
        return
    assert all(len(part) < PACKET for part in parts)
    for part in parts:  # each is text by itself
        part.decode()
    whole = played(parts)
    assert whole == text
    assert len(after) == len({found for part in parts for found in re.findall(rb"^SET (@dbops_\d+) =", part)})


def test_what_fits_is_sent_as_it_is() -> None:
    text = b"INSERT INTO `t` VALUES (1,'x',0x00)"
    assert list(statements(text, PACKET)) == [text]


def test_a_doubled_quote_an_introducer_and_an_odd_number_of_digits() -> None:
    text = b"INSERT INTO `t` VALUES (_binary 'a''" + 60 * b"''" + b"',0x1" + 120 * b"0" + b",'" + 40 * b"\\\\" + b"')"
    parts, _ = insert_of(text)
    for part in parts[:-1]:
        value = re.search(rb"(_binary )?'.*'|0x[0-9]+", part, re.DOTALL)
        assert value is not None
        if value[0].startswith(b"0x"):
            assert len(value[0]) % 2 == 0
    assert parts[0].startswith(b"SET @dbops_0 = _binary 'a''")
    assert read(played(parts)).values == read(text.replace(b"0x1", b"0x01")).values


def test_a_value_that_the_server_would_make_null_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(TooLongError) as caught:
        list(statements(b"INSERT INTO `t` VALUES (0x" + 500 * b"00" + b")", PACKET))
    assert caught.value.needed > PACKET
