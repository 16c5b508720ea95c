"""What counts as a difference between a source and its copy, and which rows are shown; without a server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbops.engine.base import Content, Reading
from dbops.engine.postgres.settle import elsewhere, sort_out
from dbops.errors import BadBackupError
from dbops.inventory.compare import compare, suspects
from dbops.inventory.difference import SHOWN_ROWS, Differences, differences, explain, lines, value_text
from dbops.inventory.digests import reading
from dbops.inventory.rules import Rules
from dbops.inventory.take import disagreements
from dbops.model import Extension, Finding, Inventory, LargeObjects, ObjectDigest, Sequence, Severity, Table

T = Table(schema="public", name="t", rows=3, digest="copy-sha256:aa", columns=("id", "x"))
S = Sequence(schema="public", name="s", value=10, called=True, value_after=10, called_after=True)
OBJECTS = {
    "index": (ObjectDigest(name="public.t_x", digest="1"),),
    "owner": (ObjectDigest(name="table public.t", digest="2"),),
    "comment": (ObjectDigest(name="index public.t_x", digest="3"),),
    "extension": (),
}
SOURCE = Inventory(basis="snapshot", level="content", tables=(T,), sequences=(S,), objects=OBJECTS)


def with_(inventory: Inventory, **changes: Any) -> Inventory:
    return msgspec.structs.replace(inventory, **changes)


def ids(findings: Iterable[Finding], severity: Severity = Severity.ERROR) -> list[str]:
    return [finding.id for finding in findings if finding.severity is severity]


def test_equal_inventories_have_no_difference() -> None:
    assert compare(SOURCE, SOURCE, Rules()) == ([], [], True)


@pytest.mark.parametrize(
    ("copy", "expected"),
    [
        ({"tables": ()}, "table-missing"),
        ({"tables": (T, msgspec.structs.replace(T, name="u"))}, "table-extra"),
        ({"tables": (msgspec.structs.replace(T, rows=2),)}, "table-rows"),
        ({"tables": (msgspec.structs.replace(T, digest="copy-sha256:bb"),)}, "table-content"),
        ({"tables": (msgspec.structs.replace(T, columns=("id",)),)}, "table-columns"),
        ({"sequences": ()}, "sequence-missing"),
        ({"sequences": (S, msgspec.structs.replace(S, name="u"))}, "sequence-extra"),
        ({"sequences": (msgspec.structs.replace(S, value=9, value_after=9),)}, "sequence"),
        ({"sequences": (msgspec.structs.replace(S, called=False, called_after=False),)}, "sequence"),
        ({"large_objects": LargeObjects(count=1)}, "large-objects"),
        ({"objects": OBJECTS | {"index": ()}}, "index-missing"),
        ({"objects": OBJECTS | {"index": (ObjectDigest(name="public.t_x", digest="9"),)}}, "index-differs"),
        ({"objects": OBJECTS | {"owner": (ObjectDigest(name="table public.t", digest="9"),)}}, "owner-differs"),
        ({"objects": OBJECTS | {"extension": (ObjectDigest(name="more", digest="9"),)}}, "extension-extra"),
    ],
)
def test_every_kind_of_difference_is_an_error(copy: dict[str, Any], expected: str) -> None:
    assert ids(compare(SOURCE, with_(SOURCE, **copy), Rules()).findings) == [expected]


def test_large_objects_with_other_bytes() -> None:
    one, other = (with_(SOURCE, large_objects=LargeObjects(count=1, digest=digest)) for digest in ("a", "b"))
    assert ids(compare(one, other, Rules()).findings) == ["large-objects"]


def test_a_sequence_may_be_anywhere_between_the_two_looks_at_it() -> None:
    source = with_(SOURCE, sequences=(msgspec.structs.replace(S, value_after=20),))
    for value, wrong in ((10, []), (15, []), (20, []), (9, ["sequence"]), (21, ["sequence"])):
        copy = with_(SOURCE, sequences=(msgspec.structs.replace(S, value=value, value_after=value),))
        result = compare(source, copy, Rules())
        # It may have wrapped round meanwhile: so this is no proof of a bad copy.
        assert (ids(result.findings), ids(result.findings, Severity.WARNING)) == ([], wrong)


def test_digests_of_another_kind_are_not_compared_and_that_is_said() -> None:
    copy = with_(SOURCE, tables=(msgspec.structs.replace(T, digest="copy-sum64:bb"),))
    result = compare(SOURCE, copy, Rules())
    assert (result.findings, [item.id for item in result.not_evaluated]) == ([], ["table-content"])
    assert suspects(SOURCE, copy) == []


def test_a_closer_look_replaces_the_bare_digests() -> None:
    copy = with_(SOURCE, tables=(msgspec.structs.replace(T, digest="copy-sha256:bb"),))
    assert suspects(SOURCE, copy) == [T]
    note = Finding(id="row-order", severity=Severity.INFO, subject="public.t")
    assert compare(SOURCE, copy, Rules(), {("public", "t"): [note]}).findings == [note]


def test_without_owners_they_are_left_out_and_that_is_said() -> None:
    copy = with_(SOURCE, objects=OBJECTS | {"owner": ()})
    result = compare(SOURCE, copy, Rules(owners=False))
    assert (result.findings, [item.id for item in result.not_evaluated]) == ([], ["owners-and-grants"])


def test_on_another_major_definitions_prove_nothing_but_names_do() -> None:
    other = (ObjectDigest(name="public.t_x", digest="9"),)
    result = compare(SOURCE, with_(SOURCE, objects=OBJECTS | {"index": other}), Rules(same_series=False))
    assert (result.findings, [item.id for item in result.not_evaluated]) == ([], ["index-definition"])
    result = compare(SOURCE, with_(SOURCE, objects=OBJECTS | {"index": ()}), Rules(same_series=False))
    assert ids(result.findings) == ["index-missing"]
    plain = (ObjectDigest(name="index public.t_x", digest="9"),)
    result = compare(SOURCE, with_(SOURCE, objects=OBJECTS | {"comment": plain}), Rules(same_series=False))
    assert ids(result.findings) == ["comment-differs"]


def test_what_each_version_makes_otherwise_in_a_new_database_proves_nothing() -> None:
    public, mine = ObjectDigest(name="schema public", digest="9"), ObjectDigest(name="schema mine", digest="9")
    rules = Rules(same_series=False, other_defaults=frozenset({("owner", "schema public")}))
    for source, copy in (((), (public,)), ((public,), ()), ((public,), (ObjectDigest(name=public.name, digest="8"),))):
        result = compare(
            with_(SOURCE, objects=OBJECTS | {"owner": source}), with_(SOURCE, objects=OBJECTS | {"owner": copy}), rules
        )
        assert (result.findings, [item.id for item in result.not_evaluated]) == ([], ["owner-default"])
    before = with_(SOURCE, objects=OBJECTS | {"owner": (public,)})
    assert compare(before, before, rules).not_evaluated == []
    result = compare(before, with_(SOURCE, objects=OBJECTS | {"owner": (public, mine)}), rules)
    assert ids(result.findings) == ["owner-extra"]


def test_an_index_that_was_invalid_in_the_source_is_a_warning_with_its_comment() -> None:
    copy = with_(SOURCE, objects=OBJECTS | {"index": (), "comment": ()})
    result = compare(SOURCE, copy, Rules(known=frozenset({("invalid-index", "public.t_x")})))
    assert ids(result.findings) == []
    assert ids(result.findings, Severity.WARNING) == ["invalid-index", "invalid-index"]


def test_grants_on_a_view_that_was_not_made_are_told_at_once() -> None:
    view = (ObjectDigest(name="v", digest="1"),)
    grants = tuple(ObjectDigest(name=f"v to u{number}", digest="1") for number in range(7))
    source = with_(SOURCE, objects=OBJECTS | {"view": view, "grant": grants})
    copy = with_(source, objects=OBJECTS | {"view": (), "grant": ()})
    result = compare(source, copy, Rules(known=frozenset({("view-not-made", "v")})))
    assert [finding.subject for finding in result.findings] == [
        "grant v to u0, v to u1, v to u2, v to u3, v to u4 and 2 more",
        "view v",
    ]


def test_another_extension_version_is_a_warning() -> None:
    one, other = ((ObjectDigest(name="pg_trgm", digest=digest),) for digest in "12")
    source = with_(SOURCE, objects={"extension": one}, extensions=(Extension(name="pg_trgm", version="1", schema="x"),))
    result = compare(source, with_(source, objects={"extension": other}), Rules())
    assert ids(result.findings, Severity.WARNING) == ["extension-version"]


def test_a_kind_that_one_side_does_not_know_is_not_evaluated() -> None:
    result = compare(SOURCE, with_(SOURCE, objects=OBJECTS | {"spell": ()}), Rules())
    assert [item.id for item in result.not_evaluated] == ["spell"]


def test_against_an_unanchored_inventory_nothing_is_proved() -> None:
    source = with_(SOURCE, basis="unanchored")
    result = compare(source, with_(SOURCE, tables=()), Rules())
    assert (ids(result.findings), result.conclusive) == ([], False)
    assert compare(source, SOURCE, Rules()).conclusive


def test_how_a_copy_is_read_follows_the_kind_of_digest() -> None:
    kinds = {"copy-sha256:a": Reading.ORDERED, "copy-sum64:a": Reading.UNORDERED, "": Reading.COUNTED}
    for digest, expected in kinds.items():
        assert reading(msgspec.structs.replace(T, digest=digest)) is expected


# -- rows --------------------------------------------------------------------------------------------------------------

ROWS = st.lists(st.binary(max_size=3).map(lambda row: row.replace(b"\n", b"x").replace(b"\\", b"y")), max_size=30)


def pieces(rows: list[bytes], size: int) -> Iterator[bytes]:
    text = b"".join(row + b"\n" for row in rows) + b"\\.\n"
    return (text[start : start + size] for start in range(0, len(text), size))


@given(ROWS, ROWS, st.integers(1, 7))
def test_rows_are_compared_as_a_multiset(one: list[bytes], other: list[bytes], size: int) -> None:
    assert list(lines(pieces(one, size))) == one
    found = differences(lambda: pieces(one, size), lambda: pieces(other, size))
    missing, extra = Counter(one) - Counter(other), Counter(other) - Counter(one)
    assert found.equal is (not missing and not extra)
    assert not Counter(found.only_archive) - missing
    assert not Counter(found.only_copy) - extra
    assert len(found.only_archive) == min(SHOWN_ROWS, missing.total())
    assert len(found.only_copy) == min(SHOWN_ROWS, extra.total())


def test_rows_with_one_key_are_put_side_by_side() -> None:
    found = Differences(False, (b"1\tone\tx", b"2\ttwo\t\\N"), (b"1\tONE\tx", b"3\tthree\ta\\tb"))
    result = explain("public.t", found, ("id", "a", "b"), ("id",))
    assert [(f.id, f.subject, f.expected, f.actual) for f in result] == [
        ("row-differs", "public.t id='1'", "a='one'", "a='ONE'"),
        ("row-missing", "public.t id='2'", "id='2', a='two', b=NULL", "no such row"),
        ("row-extra", "public.t id='3'", "no such row", "id='3', a='three', b='a\\tb'"),
    ]


def test_without_a_key_each_row_stands_alone() -> None:
    result = explain("public.t", Differences(False, (b"1\tx",), (b"1\ty",)), ("id", "a"), ())
    assert [f.id for f in result] == ["row-missing", "row-extra"]


def test_values_are_readable_and_short() -> None:
    assert value_text(b"\\N") == "NULL"
    assert value_text(b"a\\\\N") == repr("a\\N")
    assert value_text(b"") == "''"
    assert len(value_text(b"x" * 1000)) < 90


# -- database.sql ------------------------------------------------------------------------------------------------------

TEXT = """-- What belongs to the database itself.
DO 'BEGIN EXECUTE format(''REVOKE ALL ON DATABASE %I FROM PUBLIC'', current_database()); END';
DO 'BEGIN EXECUTE format(''ALTER DATABASE %I SET "a" TO ''''GRANT; DO'''''', current_database()); END';
DO 'BEGIN EXECUTE format(''ALTER ROLE "OWNER TO" IN DATABASE %I SET "a" TO ''''b'''''', current_database()); END';
DO 'BEGIN EXECUTE format(''ALTER DATABASE %I CONNECTION LIMIT 5'', current_database()); END';
DO  E'BEGIN EXECUTE format(''COMMENT ON DATABASE %I IS %L'', current_database(),  E''a\\\\\\\\b''); END';
DO 'BEGIN EXECUTE format(''ALTER DATABASE %I OWNER TO "x"'', current_database()); END';
"""


def test_database_sql_is_sorted_into_now_and_at_the_swap() -> None:
    found = sort_out(TEXT, no_owner=False)
    assert len(found.now) == 4
    assert ["COMMENT" in body or "LIMIT" in body for body in found.at_swap] == [True, True]
    assert r"E'a\\b'" in found.at_swap[1]
    assert sort_out("-- nothing\n", no_owner=False) == ((), ())


def test_without_owners_only_settings_are_left() -> None:
    [setting] = sort_out(TEXT, no_owner=True).now
    assert 'SET "a"' in setting


def test_a_block_can_name_another_database() -> None:
    [body] = sort_out(TEXT.splitlines()[4], no_owner=False).at_swap
    assert "'it''''s'" in elsewhere(body, "it's").as_string()


@pytest.mark.parametrize("extra", ["\\! touch /tmp/x\n", "DROP DATABASE shop;\n", "DO 'BEGIN PERFORM 1; END';\n", "'"])
def test_what_dbops_does_not_write_is_refused(extra: str) -> None:
    with pytest.raises(BadBackupError):
        sort_out(TEXT + extra, no_owner=False)


# --- tables that no snapshot holds ------------------------------------------------------------------------------------

LOOSE = Rules(known=frozenset({("outside-snapshot", "public.t")}))


@pytest.mark.parametrize("change", [{"rows": 4}, {"digest": "copy-sha256:bb"}])
def test_a_table_outside_of_the_snapshot_proves_nothing_by_its_rows(change: dict[str, Any]) -> None:
    copy = with_(SOURCE, tables=(msgspec.structs.replace(T, **change),))
    result = compare(SOURCE, copy, LOOSE)
    assert [finding.severity for finding in result.findings] == [Severity.WARNING]
    assert [item.id for item in result.not_evaluated] == ["table-content"]
    assert ids(compare(SOURCE, copy, Rules(known=frozenset({("outside-snapshot", "public.u")}))).findings)


@pytest.mark.parametrize("copy", [{"tables": ()}, {"tables": (msgspec.structs.replace(T, columns=("id",)),)}])
def test_all_but_its_rows_is_judged(copy: dict[str, Any]) -> None:
    assert ids(compare(SOURCE, with_(SOURCE, **copy), LOOSE).findings)


def test_an_archive_need_not_agree_with_what_no_snapshot_holds() -> None:
    archive = {("public", "t"): Content(4, "copy-sha256:bb")}
    assert disagreements(SOURCE, archive)
    assert not disagreements(SOURCE, archive, {"public.t"})
