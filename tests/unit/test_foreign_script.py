"""Reading scripts as psql reads them: what is a statement, a row, a command; in chunks of any size."""

from __future__ import annotations

import random

import pytest

from dbops.engine.postgres.foreign_script import STATEMENT_BYTES, Kind, Piece, Script


def read(data: bytes, size: int = 1 << 20) -> tuple[list[Piece], str]:
    script = Script()
    pieces = [piece for start in range(0, len(data), size) for piece in script.feed(data[start : start + size])]
    pieces += script.finish()
    assert b"".join(piece.data for piece in pieces) == data
    return pieces, script.inside


def commands(data: bytes) -> list[tuple[int, bytes]]:
    return [(piece.line, piece.text) for piece in read(data)[0] if piece.kind is Kind.COMMAND]


def statements(data: bytes) -> list[bytes]:
    return [piece.text for piece in read(data)[0] if piece.kind is Kind.STATEMENT]


INNOCENT = [
    rb"SELECT '\! x';",
    rb"SELECT 'a''\! x';",
    rb"SELECT E'a\'\! x', E'b''\\';",
    rb"SELECT e'a''b\'\! x';",
    rb"SELECT U&'\! x', N'\! y', B'0';",
    b"SELECT '\n\\! x\n';",
    rb'SELECT "\! x", "a""\! y";',
    rb"SELECT $$ \! x $$;",
    rb"SELECT $a$ \! $$ ' $b$ x $a$;",
    b"SELECT $fn_1$\n\\! x\n$fn_1$;",
    b"-- \\! x\nSELECT 1;",
    b"SELECT 1 -- it's \\! x\n, 2;",
    b"/* \\! x */ SELECT 1;",
    b"/* /* ' */ \\! x */ SELECT 1;",
    b"SELECT 1 - - 2, 3 / 4, a$1 FROM t$x$;",
    b"SELECT a->>'x', b #>> '{y}', 2 */*c\\! */ 3;",
    b"COPY t FROM stdin;\n\\!\n\\\\!\n\\N\n\\.\n",
    b'COPY public."a b" (x, "y;") FROM stdin WITH (FORMAT text);\nx\\.\n\\.x\n\\.\n',
    b"COPY t FROM stdin;\n\\.\n",
    b"COPY t FROM stdin;\r\n1\r\n\\.\r\n",
    b"CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; SELECT '\\!'; END;",
    rb"COMMENT ON TABLE t IS 'COPY t FROM stdin;';",
]

GUILTY = [
    (b"\\! x\n", 1),
    (b"SELECT 1;\n\\! x\n", 2),
    (b"SELECT 1; \\! x\n", 1),
    (b"SELECT 1 \\g |x\n", 1),
    (b"SELECT '' \\! x\n", 1),
    (b"SELECT $$ $$ \\! x\n", 1),
    (b"SELECT 'a\\' \\! x\n", 1),
    (b"SELECT $a$ $$ $a$ \\! x\n", 1),
    (b"SELECT a$b$ \\! x $b$\n", 1),
    (b"-- x\n\\! x\n", 2),
    (b"/* x\n*/\\! x\n", 2),
    (b"COPY t FROM stdin;\n1\n\\.\n\\! x\n", 4),
    (b"COPY t FROM stdin;\n\\.\n\\! x\n", 3),
    (b"COPY t TO stdout;\n\\! x\n", 2),
    (b"COPY t FROM 'stdin;';\n\\! x\n", 2),
    (b"SET standard_conforming_strings = off;\nSELECT '\\'';\n\\! x\n", 3),
    (b"SELECT 1;\n  \t\\! x\n", 2),
]


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_twins(text: bytes) -> None:
    assert commands(text + b"\nSELECT 2;\n") == []
    assert statements(text + b"\nSELECT 2;\n")[-1] == b"SELECT 2;"
    assert read(text + b"\nSELECT 2;\n")[1] == ""


@pytest.mark.parametrize(("text", "line"), GUILTY)
def test_commands_are_found_with_their_line(text: bytes, line: int) -> None:
    found = commands(text)
    assert [number for number, _ in found] == [line]
    assert found[0][1].startswith(b"\\")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 1000])
def test_chunks_of_any_size_give_the_same(size: int) -> None:
    parts = [*INNOCENT, *(text for text, _ in GUILTY[:-2])]
    data = b"\n".join(random.Random(4).sample(parts * 3, len(parts) * 3)) + b"\n"

    def found(pieces: list[Piece]) -> list[tuple[Kind, int, bytes]]:
        return [(p.kind, p.line, p.text) for p in pieces if p.kind in (Kind.STATEMENT, Kind.COMMAND)]

    assert found(read(data, size)[0]) == found(read(data)[0])


def test_backslashes_in_strings_where_the_dump_says_so() -> None:
    off, on = b"SET standard_conforming_strings = off;\n", b"SET standard_conforming_strings = on;\n"
    data = off + b"SELECT 'a\\'b; c';\n" + on + b"SELECT '\\';\n"
    assert len(statements(data)) == 4
    assert commands(data) == []


@pytest.mark.parametrize(
    ("data", "inside"),
    [
        (b"SELECT 1", "a statement"),
        (b"SELECT '", "a statement"),
        (b"SELECT $$ x;", "a statement"),
        (b"COPY t FROM stdin;\n1\n2", "the rows of a table"),
        (b"COPY t FROM stdin;", "the rows of a table"),
        (b"/* x", "a statement"),
        (b"SELECT 1;\n-- x", ""),
        (b"", ""),
    ],
)
def test_where_a_script_ends(data: bytes, inside: str) -> None:
    assert read(data)[1] == inside


def test_comments_come_before_their_statement() -> None:
    pieces, _ = read(b"-- one\n\n-- two\nSELECT 1; -- three\nSELECT 2;\n-- four\n")
    assert [(piece.kind, piece.comments) for piece in pieces] == [
        (Kind.STATEMENT, ("one", "two")),
        (Kind.STATEMENT, ("three",)),
        (Kind.SPACE, ("four",)),
    ]


@pytest.mark.parametrize(
    "begin", [b"INSERT INTO t VALUES ('", b"COPY t FROM stdin;\n", b"SELECT $$", b"SELECT E'", b"-- "]
)
def test_memory_stays_flat(begin: bytes) -> None:
    """A row, string, comment or body of any length is handed on in parts."""
    script = Script()
    list(script.feed(begin))
    for _ in range(40):
        given = sum(len(piece.data) for piece in script.feed(b"x" * 100_000))
        assert len(script._text) <= 2 * STATEMENT_BYTES
    assert given


def test_a_long_statement_ends_where_it_ends() -> None:
    data = b"INSERT INTO t VALUES ('" + b"x'';" * 200_000 + b"');\n\\! x\nSELECT 1;\n"
    pieces, inside = read(data, 100_000)
    assert [piece.text for piece in pieces if piece.kind is Kind.COMMAND] == [b"\\! x"]
    assert [piece.kind for piece in pieces if piece.kind is Kind.STATEMENT] == [Kind.STATEMENT] * 2
    assert inside == ""
