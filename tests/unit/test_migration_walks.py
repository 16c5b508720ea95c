"""Walks over a history, and where a database stands to it: cases 14 to 16. Any graph is read as Alembic reads it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbops.migrations.database_rules import judge_database
from dbops.migrations.graph_rules import judge_graph
from dbops.migrations.history import History, Standing, read
from dbops.migrations.values import BrokenHistoryError
from dbops.model import Severity
from tests.unit.migration_samples import Down, history, project, write

LINE: dict[str, Down] = {"a": None, "b": "a", "c": "b"}
DIAMOND: dict[str, Down] = {**LINE, "d": "b", "m": ("c", "d"), "n": "m"}


@pytest.fixture
def diamond(tmp_path: Path) -> History:
    return history(tmp_path, DIAMOND)


def pending(found: History, *current: str) -> list[str]:
    return [one.id for one in found.pending(current)]


def test_pending_in_order(diamond: History) -> None:
    assert pending(diamond, "n") == []
    assert pending(diamond, "c", "d") == ["m", "n"]
    assert pending(diamond, "c") == ["d", "m", "n"]
    assert pending(diamond)[:2] == ["a", "b"]
    assert pending(diamond)[-2:] == ["m", "n"]
    assert sorted(pending(diamond)) == sorted(DIAMOND)


def test_ids_are_never_completed(tmp_path: Path) -> None:
    """Alembic takes the beginning of an id for the whole: a row in the database is no shorthand."""
    found = history(tmp_path, {"abcdef": None, "bcdefg": "abcdef"})
    assert found.relation({"abcd"}).standing is Standing.UNKNOWN
    assert pending(found, "abcd") == ["abcdef", "bcdefg"]


def test_a_cycle_has_no_order(tmp_path: Path) -> None:
    with pytest.raises(BrokenHistoryError, match="stands on itself"):
        history(tmp_path, {"a": "a"}).pending(set())


def test_an_id_that_alembic_cannot_walk_by(tmp_path: Path) -> None:
    """The rules name it; walking says that it cannot, and not in Alembic's words alone."""
    found = history(tmp_path, {"a": None, "head": "a", "c": "a"})
    assert set(found.heads) == {"c", "head"}
    with pytest.raises(BrokenHistoryError, match="cannot walk"):
        found.pending({"head"})


def test_an_empty_history(tmp_path: Path) -> None:
    found = history(tmp_path, {})
    assert (found.heads, found.bases, pending(found)) == ((), (), [])
    assert found.relation(set()).standing is Standing.AT_HEAD
    assert found.relation({"a"}).standing is Standing.UNKNOWN
    assert judge_graph(found).findings == ()


def test_depends_on_runs_first(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a": None, "b": "a"})
    write(folder / "versions", "x", labels="plugin", depends_on="b")
    write(folder / "versions", "y", "x")
    found = read(folder)
    assert pending(found) == ["a", "b", "x", "y"]
    assert pending(found, "x") == ["y"], "a row of x says that b has run"
    assert found.relation({"y"}).standing is Standing.AT_HEAD
    assert found.overlapping({"y", "b"}) == ("b",)


# --- 14, 15: where the database stands ----------------------------------------------------------------------------


def kinds(found: History, *current: str, applied: dict[str, list[str]] | None = None) -> list[tuple[str, Severity]]:
    return [(one.id, one.severity) for one in judge_database(found, set(current), applied)]


def test_14_a_revision_that_the_code_does_not_have(diamond: History) -> None:
    relation = diamond.relation({"zz"})
    assert (relation.standing, relation.foreign, relation.pending) == (Standing.UNKNOWN, ("zz",), ())
    assert kinds(diamond, "zz") == [("migration-database-unknown", Severity.ERROR)]


def test_14_twin_at_head(diamond: History) -> None:
    assert kinds(diamond, "n") == []
    assert diamond.relation({"n"}).standing is Standing.AT_HEAD


def test_15_behind_is_a_note(diamond: History) -> None:
    relation = diamond.relation({"m"})
    assert (relation.standing, relation.pending) == (Standing.BEHIND, ("n",))
    assert kinds(diamond, "m") == [("migration-database-behind", Severity.INFO)]
    (finding,) = judge_database(diamond, {"m"})
    assert finding.actual == "m: 1 pending: n"
    assert diamond.relation(set()).standing is Standing.BEHIND


@pytest.mark.parametrize(
    ("applied", "standing"),
    [
        ({"zz": ["n"]}, Standing.AHEAD),
        ({"zz": ["yy"], "yy": ["n"]}, Standing.AHEAD),
        ({"zz": ["m"]}, Standing.BESIDE),
        ({"zz": ["yy"]}, Standing.UNKNOWN),
        ({"zz": ["yy"], "yy": ["zz"]}, Standing.UNKNOWN),
    ],
)
def test_15_ahead_or_beside_where_the_parents_are_known(
    diamond: History, applied: dict[str, list[str]], standing: Standing
) -> None:
    relation = diamond.relation({"zz"}, applied)
    assert relation.standing is standing
    assert relation.pending == (("n",) if standing is Standing.BESIDE else ())
    assert kinds(diamond, "zz", applied=applied) == [(f"migration-database-{standing.value}", Severity.ERROR)]


def test_15_a_foreign_row_beside_one_that_is_known(tmp_path: Path) -> None:
    """Branches with a row each: what is known of one tells about the code's side."""
    folder = project(tmp_path, LINE)
    write(folder / "versions", "x", labels="plugin")
    found = read(folder)
    assert found.relation({"c", "y"}).standing is Standing.BESIDE, "x is pending, as far as the files tell"
    assert found.relation({"c", "x", "y"}).standing is Standing.AHEAD


# --- 16: several rows ---------------------------------------------------------------------------------------------


def test_16_two_rows_where_one_head_is_expected(diamond: History) -> None:
    assert ("migration-database-rows", Severity.WARNING) in kinds(diamond, "c", "d")


def test_16_a_row_below_another_is_an_error(diamond: History) -> None:
    found = judge_database(diamond, {"b", "c"})
    assert [(one.id, one.severity) for one in found if one.severity is not Severity.INFO] == [
        ("migration-database-overlap", Severity.ERROR)
    ]
    assert pending(diamond, "b", "c") == ["d", "m", "n"]


def test_16_twin_two_rows_for_two_heads(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    write(folder / "versions", "x", labels="plugin")
    assert kinds(read(folder), "c", "x") == []


# --- any graph ----------------------------------------------------------------------------------------------------


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, tuple[list[str], list[str]]]:
    """Parents and dependencies of up to 14 revisions: each on any of those before it."""
    names = draw(st.lists(st.text("abcdef0123456789", min_size=4, max_size=12), min_size=1, max_size=14, unique=True))
    found: dict[str, tuple[list[str], list[str]]] = {}
    for place, name in enumerate(names):
        before = st.sampled_from(names[:place]) if place else st.nothing()
        down = draw(st.lists(before, max_size=3 if place else 0, unique=True))
        depends = draw(st.lists(before, max_size=1 if place else 0, unique=True))
        found[name] = (down, [one for one in depends if one not in down])
    return found


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(graph=graphs(), data=st.data())
def test_any_graph_is_what_alembic_makes_of_it(
    graph: dict[str, tuple[list[str], list[str]]], data: st.DataObject
) -> None:
    """Written as files, read back, and held against Alembic's map of the same graph made by hand."""
    from alembic.script.revision import Revision as Node
    from alembic.script.revision import RevisionMap

    with tempfile.TemporaryDirectory() as folder:
        versions = Path(folder) / "versions"
        for name, (down, depends) in graph.items():
            as_written = data.draw(st.sampled_from([tuple, list])) if len(down) != 1 else None
            parents: Down = (as_written(down) if down else None) if as_written else down[0]
            write(versions, name, parents, depends_on=depends or None)
        found = read(Path(folder))
    assert not found.problems
    nodes = [Node(name, tuple(down) or None, tuple(depends) or None) for name, (down, depends) in sorted(graph.items())]
    theirs = RevisionMap(lambda: nodes)
    assert set(found.heads) == set(theirs.heads)
    assert set(found.bases) == set(theirs.bases)
    everything = {step.revision for step in theirs.iterate_revisions("heads", None)}
    assert {one.id for one in found.revisions} == everything == set(graph)
    for name in graph:
        assert found.ancestors([name]) == {step.revision for step in theirs.iterate_revisions(name, None)}
    current = data.draw(st.sets(st.sampled_from(sorted(graph)), max_size=3))
    rows = current - set(found.overlapping(current))
    left = found.pending(current)
    steps = list(theirs.iterate_revisions("heads", tuple(sorted(rows)), implicit_base=True))
    assert {one.id for one in left} == {step.revision for step in steps} == set(graph) - found.ancestors(current)
    done = set(found.ancestors(current))
    for one in left:
        assert {*one.down, *one.depends_on} <= done, "what a revision needs has run before it"
        done.add(one.id)


# --- speed --------------------------------------------------------------------------------------------------------


def long_graph(count: int) -> dict[str, Down]:
    """A line with a fork and its merge in every ten revisions."""
    graph: dict[str, Down] = {"r0": None}
    for number in range(1, count):
        last = f"r{number - 2 if number % 10 == 9 else number - 1}"
        graph[f"r{number}"] = {8: f"r{number - 3}", 9: (last, f"r{number - 1}")}.get(number % 10, last)
    return graph


@pytest.mark.parametrize("count", [344, 1000, 5000])
def test_a_long_history(tmp_path: Path, count: int) -> None:
    """Figures to read, not to assert: `pytest -s -k long_history`. Alembic's own load imports the files."""
    from alembic.script import ScriptDirectory

    folder = project(tmp_path, long_graph(count), imports="")
    begun = time.process_time()
    found = read(folder)
    after_read = time.process_time()
    judged = judge_graph(found)
    after_rules = time.process_time()
    left = found.pending(set())
    after_pending = time.process_time()
    theirs = ScriptDirectory(str(folder)).get_heads()
    load = time.process_time() - after_pending
    print(
        f"\n{count} revisions, seconds of CPU: read {after_read - begun:.2f}, rules {after_rules - after_read:.2f}, "
        f"all pending in order {after_pending - after_rules:.2f}; Alembic's own load {load:.2f}"
    )
    assert judged.findings == ()
    assert len(left) == count
    assert list(found.heads) == theirs
