"""Every schema object of a PostgreSQL database as (kind, identity, definition), read from one snapshot.

What is compared is what a dump can carry: two databases of which one was restored from a dump of the other give equal
definitions, and whatever else differs between two schemas gives a difference. Each kind is one file in `sql/objects`;
it returns rows of (identity, definition). Text that a user wrote stands in a definition as a quoted literal, so that
`normalise` can tell it from what the server printed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from importlib import resources
from typing import TYPE_CHECKING, Any

from dbops.engine.postgres.statements import statement

if TYPE_CHECKING:
    import psycopg

# What the server's printing of constants and names depends on. search_path is empty so that every name that is not in
# pg_catalog is printed with its schema.
_SESSION = {
    "search_path": "",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "lc_monetary": "C",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
}
_SINCE = re.compile(rb"-- since (\d+)$", re.MULTILINE)
# The catalog functions look beyond the snapshot: they return NULL for an object that was dropped since it was taken.
_GONE = "(dropped while it was read)"


def read_definitions(conn: psycopg.Connection[Any]) -> dict[str, dict[str, str]]:
    """kind -> {identity -> normalised definition}, each sorted; every kind is there, if only as an empty dict.

    Call it inside the transaction whose snapshot is to be described. Settings that the output depends on, search_path
    among them, are changed until that transaction ends. The role needs no right beyond reading the catalogs.
    """
    from psycopg.rows import tuple_row

    found: dict[str, dict[str, str]] = {}
    with conn.transaction(), conn.cursor(row_factory=tuple_row) as cursor:
        for name, value in _SESSION.items():
            cursor.execute("SELECT set_config(%s, %s, true)", (name, value))
        for kind, statement in statements(conn.info.server_version):
            rows: dict[str, list[str]] = {}
            for identity, definition in cursor.execute(statement):
                rows.setdefault(identity or _GONE, []).append(normalise(_GONE if definition is None else definition))
            found[kind] = {identity: "\n".join(sorted(rows[identity])) for identity in sorted(rows)}
    return found


def object_digest(definition: str) -> str:
    """SHA-256, in hex, of the normalised definition."""
    return hashlib.sha256(normalise(definition).encode()).hexdigest()


def statements(server_version: int) -> Iterator[tuple[str, bytes]]:
    """(kind, SQL) of each file in `sql/objects`, sorted by kind.

    A line that ends in `-- since 14` is left out on older servers. `:shown_options` stands for the text of
    `sql/shown_options.sql`, which is one place for what is hidden.
    """
    folder = resources.files(__package__) / "sql"
    options = statement("shown_options").rstrip()
    for file in sorted((folder / "objects").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            lines = file.read_bytes().splitlines(keepends=True)
            known = (line for line in lines if not _newer(line, server_version // 10000))
            yield file.name.removesuffix(".sql"), b"".join(known).replace(b":shown_options", options)


def _newer(line: bytes, major: int) -> bool:
    since = _SINCE.search(line)
    return since is not None and int(since[1]) > major


# A literal, a dollar-quoted text or a quoted name is one token, as is whatever else is of no interest here.
_TOKEN = re.compile(
    r"""
      [Ee]'(?:[^'\\]|\\.|'')*'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
    | \w+
    | \s+
    | ::
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
# `::type[]` as format_type prints it: a name, quoted or not, with or without a schema, or one of several words.
_NAME = r'(?:\w+|"(?:[^"]|"")*")'
_ARRAY_CAST = re.compile(
    r"::((?:character varying|bit varying|double precision|time(?:stamp)?(?:\(\d\))? with(?:out)? time zone|"
    rf"interval(?: \w+)*|{_NAME}(?:\.{_NAME})?)(?:\(-?\d+(?:,-?\d+)?\))?)\[\]"
)


_UNSTABLE = re.compile(r"\(\s|\(ARRAY\[|\bAS\s(?!\$)|EXTRACT\(")
_FIELD = re.compile(r'"\w+"|\w+')


def normalise(definition: str) -> str:
    """The definition as the server would print it after any number of dumps and restores.

    `CHECK (x IN ('a', 'b'))` on a varchar is first printed as `(ARRAY['a'::character varying, …])::text[]`. Reading
    that back, the parser moves the cast of an ARRAY[] to its elements (parse_expr.c, transformTypeCast), so that a
    restored copy prints `ARRAY[('a'::character varying)::text, …]`. The same is done here, outside literals, and
    white space after an opening parenthesis goes: `(VALUES …)` in a UNION comes back as `( VALUES …)`. The word AS
    before an alias goes too, and quotes around a field: 15.18 prints `UPDATE log trgt` and `EXTRACT(YEAR FROM …)` where
    15.20 prints `UPDATE log AS trgt` and `EXTRACT("YEAR" FROM …)`; read back, the former is `year`, so that fields are
    in lower case (the server takes both for the same: timestamp.c, extract_timestamp). Nothing else is rewritten:
    parentheses and casts carry meaning, and their loss would hide a real difference.
    """
    if not _UNSTABLE.search(definition):
        return definition
    tokens = [match.group() for match in _TOKEN.finditer(definition)]
    tokens = [now for before, now in zip(["", *tokens], tokens, strict=False) if before != "(" or not now.isspace()]
    tokens = [now for before, now in zip(["", *tokens], tokens, strict=False) if now != "AS" and before != "AS"]
    for place, token in enumerate(tokens):
        if tokens[max(0, place - 2) : place] == ["EXTRACT", "("] and _FIELD.fullmatch(token):
            tokens[place] = token.strip('"').lower()
    return "".join(_rewritten(tokens))


def _rewritten(tokens: list[str]) -> Iterator[str]:
    position = 0
    while position < len(tokens):
        end = _closing(tokens, position + 2) if tokens[position : position + 3] == ["(", "ARRAY", "["] else None
        cast = None
        if end is not None and tokens[end + 1 : end + 3] == [")", "::"]:
            cast = _ARRAY_CAST.match("".join(tokens[end + 2 : end + 32]))  # no type has more tokens
        if end is None or cast is None:
            yield tokens[position]
            position += 1
        else:
            yield _spread(tokens[position + 1 : end + 1], cast[1])
            position = end + 2
            left = len(cast[0])
            while left > 0:
                left -= len(tokens[position])
                position += 1


def _spread(array: list[str], element_type: str) -> str:
    """`ARRAY[…]`, given as tokens, with the cast on each of its elements, as deep as arrays are nested."""
    elements: list[list[str]] = [[]]
    depth = 0
    for part in array[2:-1]:
        depth += (part in ("(", "[")) - (part in (")", "]"))
        if part == "," and depth == 0:
            elements.append([])
        elif elements[-1] or not part.isspace():
            elements[-1].append(part)
    spread = []
    for element in elements:
        if element[:2] == ["ARRAY", "["] and _closing(element, 1) == len(element) - 1:
            spread.append(_spread(element, element_type))
        else:
            spread.append(f"({''.join(_rewritten(element))})::{element_type}")
    return f"ARRAY[{', '.join(spread)}]"


def _closing(tokens: list[str], opening: int) -> int | None:
    """Where the bracket that opens at `opening` closes."""
    depth = 0
    for position in range(opening, len(tokens)):
        depth += (tokens[position] in ("(", "[")) - (tokens[position] in (")", "]"))
        if depth == 0:
            return position
    return None
