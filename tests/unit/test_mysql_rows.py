"""Rows of INSERT statements: counted, read, and fingerprinted; what CREATE TABLE says of their columns."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbops.engine.base import Content
from dbops.engine.mysql import latin1
from dbops.engine.mysql.archive import Contents
from dbops.engine.mysql.columns import Form
from dbops.engine.mysql.declared import declared
from dbops.engine.mysql.rows import UnreadableError, Value, count, each, read, row_sum

ESCAPED = {0: b"\\0", 10: b"\\n", 13: b"\\r", 92: b"\\\\", 39: b"\\'", 34: b'\\"', 26: b"\\Z"}
"""As mysql_real_escape_string does (mysys/charset.cc, escape_string_for_mysql)."""


def quoted(value: bytes) -> bytes:
    return b"'" + b"".join(ESCAPED.get(byte, bytes((byte,))) for byte in value) + b"'"


def literal(value: bytes | int | None) -> bytes:
    if value is None:
        return b"NULL"
    return str(value).encode() if isinstance(value, int) else quoted(value)


def insert(rows: list[tuple[bytes | int | None, ...]], between: bytes = b",", before: bytes = b" ") -> bytes:
    return b"INSERT INTO `t` VALUES" + before + between.join(b"(" + b",".join(map(literal, r)) + b")" for r in rows)


AWKWARD = [
    b"),(",
    b"'),('",
    b"\\",
    b"\\'",
    b"\\\\'),(",
    b"),\n(",
    b"",
    b"NULL",
    b"0x41",
    b"_binary 'x'",
    b"\xff\xfe",
    b"(",
    b'"',
]
VALUES = st.one_of(
    st.none(), st.integers(-(2**63), 2**64), st.binary(max_size=12), st.sampled_from(AWKWARD), st.lists(
        st.sampled_from(AWKWARD), max_size=4).map(b"".join)
)  # fmt: skip
TABLES = st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[VALUES] * n), min_size=1, max_size=6))


@settings(max_examples=400)
@given(TABLES, st.booleans())
def test_rows_come_back_as_they_were(rows: list[tuple[bytes | int | None, ...]], lines: bool) -> None:
    text = insert(rows, b",\n", b"\n") if lines else insert(rows)
    assert count(text, escaped=True) == count(text) == len(rows)
    found = read(text)
    assert found.number == len(rows)
    wanted = [[str(v).encode() if isinstance(v, int) else v for v in row] for row in rows]
    assert list(each(found, range(len(rows[0])))) == wanted


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(), st.binary(max_size=9), st.one_of(st.none(), st.binary(max_size=9))), min_size=1)
)
def test_the_digest_is_that_of_the_design(rows: list[tuple[int, bytes, bytes | None]]) -> None:
    found = row_sum(read(insert(list(rows))), [2, 0, 1], [Form.BYTES, Form.PLAIN, Form.DIGEST])
    total = 0
    for number, long, short in rows:
        text = f"{'-' if short is None else short.hex().upper()},{number},{hashlib.sha256(long).hexdigest()}"
        total += int(hashlib.sha256(text.encode()).hexdigest()[:16], 16)
    assert found == total


READ: list[tuple[bytes, list[Value]]] = [
    (rb"(1,-2.5,1e22,NULL,'')", [b"1", b"-2.5", b"1e22", None, b""]),
    (rb"(0x00FF,'0x00FF',_binary 'a\'',_utf8mb4'x')", [b"\x00\xff", b"0x00FF", b"a'", b"x"]),
    (rb"('\%\_\q\b\t\Z\0')", [b"\\%\\_q\b\t\x1a\x00"]),
    (rb"('a''b','''','')", [b"a'b", b"'", b""]),
    (b'("a\'b","c""d","e\\"f",\'g"h\')', [b"a'b", b'c"d', b'e"f', b'g"h']),
    (b"(1\n,'a b' , NULL)", [b"1", b"a b", None]),
]


@pytest.mark.parametrize(("row", "values"), READ)
def test_literals(row: bytes, values: list[Value]) -> None:
    for head in (
        b"INSERT INTO `t` VALUES ",
        b"REPLACE INTO `d`.`t` (`a)`, `b`) VALUES\n",
        b"INSERT  IGNORE INTO t VALUES",
    ):
        found = read(head + row)
        assert (found.number, found.values) == (1, values)
        assert read(head + row + b",\n" + row).number == count(head + row + b",\n" + row) == 2
    assert read(b"INSERT INTO `t` (`a)`, `b``c`) VALUES " + row).columns == ("a)", "b`c")


@pytest.mark.parametrize("row", [b"(f(1))", b"(1),(2,3),(4)(", b"('a)", b"(0xZ)", b"(1),(2,3)"])
def test_what_is_no_plain_literal(row: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(b"INSERT INTO `t` VALUES " + row)


CREATE = rb"""CREATE TABLE `t``1` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `a,b)` varchar(60) COLLATE utf8mb4_bin DEFAULT 'x,y) char(1)' COMMENT 'CHARACTER SET latin1, GENERATED ALWAYS AS',
  `l` varchar(64) DEFAULT NULL,
  `n` decimal(10,2) DEFAULT NULL,
  `c` char(5) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `v` int GENERATED ALWAYS AS (`id` + 1) VIRTUAL,
  `s` varchar(20) CHARACTER SET utf8mb3 GENERATED ALWAYS AS (concat('STORED)',`id`)) STORED,
  `e` enum('a','b)') /*!80023 INVISIBLE */ DEFAULT NULL,
  `bin` varbinary(200) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `k` (`l`(10)),
  CONSTRAINT `c1` CHECK (`id` > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='CHARSET=latin1'"""


def test_columns_of_create_table() -> None:
    columns = declared(CREATE).columns
    assert [(c.name, c.data_type, c.charset, c.virtual, c.stored) for c in columns] == [
        ("id", "int", "", False, False),
        ("a,b)", "varchar", "utf8mb4", False, False),
        ("l", "varchar", "utf8mb4", False, False),
        ("n", "decimal", "", False, False),
        ("c", "char", "ascii", False, False),
        ("v", "int", "", True, False),
        ("s", "varchar", "utf8mb3", False, True),
        ("e", "enum", "utf8mb4", False, False),
        ("bin", "varbinary", "", False, False),
    ]
    long, short = Form.DIGEST, Form.BYTES
    assert [c.form for c in columns] == [
        Form.PLAIN, short, long, Form.PLAIN, short, Form.PLAIN, short, short, short
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (b"a float", False),
        (b"a double", True),
        (b"a varchar(5)", True),
        (b"a varchar(5) CHARACTER SET latin1", True),
        (b"a text COLLATE latin1_bin", True),
        (b"a text COLLATE latin2_bin", False),
        (b"a varbinary(5)", True),
        (b"a int, b int GENERATED ALWAYS AS (a+1) VIRTUAL", True),
        (b"a int, b int AS (a+1) STORED", False),
    ],
)
def test_tables_whose_digest_can_be_told(column: bytes, told: bool) -> None:
    contents = Contents(require_trailer=False)
    contents.feed(
        b"CREATE TABLE `t` (" + column + b") DEFAULT CHARSET=utf8mb4;\nINSERT INTO `t` (`a`) VALUES (1),(2);\n"
    )
    found = contents.finish()["", "t"]
    assert (found.rows, bool(found.digest)) == (2, told)


def test_the_database_s_character_set_is_the_last_resort() -> None:
    assert declared(b"CREATE TABLE t (a text)").columns[0].form is None
    assert declared(b"CREATE TABLE t (a text)", "utf8mb4").columns[0].form is Form.DIGEST
    assert declared(b"CREATE TABLE t (a text)", "latin1").columns[0].form is Form.DIGEST
    assert declared(b"CREATE TABLE t (a text)", "sjis").columns[0].form is None


def test_latin1_is_turned_back_to_the_bytes_that_are_stored() -> None:
    assert latin1.stored(None) is None
    assert latin1.stored("a€é\x81ž".encode()) == b"a\x80\xe9\x81\x9e"
    characters = [bytes([b]).decode("cp1252", "replace") for b in range(256)]
    every = "".join(chr(b) if c == "\ufffd" else c for b, c in enumerate(characters))
    assert latin1.stored(every.encode()) == bytes(range(256))
    for other in ("\x80", "日", "\x99"):  # what the server's latin1 has no byte for: a '?' in a restored copy
        with pytest.raises(UnicodeError):
            latin1.stored(other.encode())


def test_what_is_no_text_of_latin1_gives_no_digest() -> None:
    contents = Contents(require_trailer=False)
    rows = "CREATE TABLE `t` (a text) DEFAULT CHARSET=latin1;\nINSERT INTO `t` VALUES ('日');\n"
    contents.feed(rows.encode())
    assert contents.finish()["", "t"] == Content(1, "")
