r"""COPY text: the fingerprint must not depend on how the bytes come in, and must see every change of a row."""

from __future__ import annotations

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbops.engine.postgres.copytext import LineSum, RowsDigest, ScriptReader, codec, merge, parse_header

# What COPY can send: a row is any bytes but newlines, and never just `\.` (a backslash in a value is doubled).
rows = st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"").replace(b"\\", b"\\\\")), max_size=30)
name = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


@given(rows, st.lists(st.integers(0, 10_000), max_size=12))
def test_digest_is_that_of_the_lines_however_they_are_cut(lines: list[bytes], cuts: list[int]) -> None:
    text = b"".join(line + b"\n" for line in lines)
    digest = RowsDigest()
    assert any(digest.feed(piece) for piece in pieces(text + b"\\.\nrest", cuts))  # stops at the end, as its callers do
    assert digest.rows == len(lines)
    assert digest.digest == f"copy-sha256:{hashlib.sha256(text).hexdigest()}"


@given(rows, st.lists(st.integers(0, 10_000), max_size=12), st.randoms())
def test_sum_ignores_order_and_sees_duplicates(lines: list[bytes], cuts: list[int], random: object) -> None:
    def total(some: list[bytes]) -> str:
        digest = RowsDigest(ordered=False)
        assert any(digest.feed(piece) for piece in pieces(b"".join(line + b"\n" for line in some) + b"\\.\n", cuts))
        return digest.digest

    assert total(lines) == total(list(reversed(lines)))
    if lines:
        assert total(lines) != total([*lines, lines[0]])
        assert total([lines[0]] * 2 + lines) != total(lines)  # a XOR would be blind here


@given(
    st.lists(st.tuples(name, name, st.lists(name, max_size=4), rows), max_size=5),
    st.lists(st.integers(0, 9999), max_size=9),
)
def test_script_is_taken_apart_whatever_the_names(
    tables: list[tuple[str, str, list[str], list[bytes]]], cuts: list[int]
) -> None:
    def quoted(identifier: str) -> str:
        return '"' + identifier.replace('"', '""') + '"'

    script = b"SET x = 1;\n\n-- Data for Name: COPY; Type: TABLE DATA\n"
    for schema, table, columns, lines in tables:
        listed = f"({', '.join(map(quoted, columns))})" if columns else ""
        script += f"COPY {quoted(schema)}.{quoted(table)} {listed} FROM stdin;\n".encode()
        script += b"".join(line + b"\n" for line in lines) + b"\\.\n\n\nSELECT setval('x', 1);\n"
    reader = ScriptReader()
    for piece in pieces(script, cuts):
        reader.feed(piece)
    assert reader.complete()
    assert [parse_header(block.header) for block in reader.blocks] == [(s, t, tuple(c)) for s, t, c, _ in tables]
    assert [block.rows for block in reader.blocks] == [len(lines) for *_, lines in tables]


def test_script_that_ends_within_rows_is_not_complete() -> None:
    reader = ScriptReader()
    reader.feed(b"COPY public.t (a) FROM stdin;\n1\n2\n")
    assert not reader.complete()
    assert reader.blocks == []


@given(rows, rows)
def test_sums_of_two_parts_merge_to_the_sum_of_the_whole(one: list[bytes], other: list[bytes]) -> None:
    def total(lines: list[bytes]) -> str:
        lines_sum = LineSum()
        lines_sum.update(b"".join(line + b"\n" for line in lines))
        return f"copy-sum64:{lines_sum.hexdigest()}"

    assert merge(total(one), total(other)) == total(one + other)


def test_ordered_digests_do_not_merge() -> None:
    assert merge("copy-sha256:00", "copy-sha256:00") == ""


@pytest.mark.parametrize(
    ("encoding", "python"),
    [
        ("UTF8", "utf-8"),
        ("LATIN1", "iso8859-1"),
        ("LATIN9", "iso8859-15"),
        ("WIN1252", "cp1252"),
        ("EUC_JP", "euc_jp"),
        ("KOI8R", "koi8-r"),
        ("SQL_ASCII", "utf-8"),
        ("MULE_INTERNAL", "utf-8"),
    ],
)
def test_codec(encoding: str, python: str) -> None:
    assert codec(encoding) == python


@pytest.mark.parametrize("text", ["", "COPY t FROM stdin;\n", "COPY a.b (c) TO stdout;\n", "copy a.b FROM stdin;\n"])
def test_other_lines_are_no_header(text: str) -> None:
    assert parse_header(text) is None
