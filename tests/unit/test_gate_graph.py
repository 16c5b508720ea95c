"""The drawing of the graph: every revision is somewhere in it, edges end where they should, and it stays small."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dbops.engine.base import VersionRows
from dbops.migrations.history import History, read
from dbops.ops.gate import Settings, gate
from dbops.ops.migration_ground import Ground
from dbops.ops.migration_report import MigrationReport
from dbops.report.graph_rows import MOST_ROWS, Rows, rows
from dbops.report.graph_svg import ROW, drawing
from dbops.report.html import page_html
from dbops.report.page import Page
from tests.unit.migration_samples import Down, history, project, write

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def drawn(found: History, current: Iterable[str] | None = None) -> Rows:
    return rows(found, report(found, current))


def report(found: History, current: Iterable[str] | None = None) -> MigrationReport:
    version = VersionRows("alembic_version", True, frozenset(current)) if current is not None else None
    return gate(Ground(found, version=version), Settings(), clock=lambda: NOW)


def large(blocks: int = 32, steps: int = 5) -> dict[str, Down]:
    graph: dict[str, Down] = {"r0": None}
    last = "r0"
    for block in range(blocks):
        for side in "mf":
            for step in range(steps):
                graph[f"{side}{block}_{step}"] = f"{side}{block}_{step - 1}" if step else last
        graph[f"j{block}"] = (f"m{block}_{steps - 1}", f"f{block}_{steps - 1}")
        last = f"j{block}"
    return graph


def test_a_line_is_one_row_and_its_ends(tmp_path: Path) -> None:
    names = [f"r{number}" for number in range(60)]
    found = drawn(history(tmp_path, dict(zip(names, [None, *names], strict=False))))
    assert [(row.key, row.size) for row in found.rows] == [("r59", 1), ("r58", 58), ("r0", 1)]
    assert "58 revisions in a line, r1 to r58" in found.rows[1].message
    assert (found.lanes, found.left_out) == (1, 0)


def test_marks(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a": None, "b": "a", "c": "b", "d": "b"}, downgrade="op.x()")
    write(folder / "versions", "e", "c", labels="shop", downgrade="pass")
    found = {row.key: row for row in drawn(read(folder), ["b"]).rows}
    assert found["b"].marks == ("current",)
    assert found["e"].marks == ("head", "pending", "conflict", "warning", "label: shop")
    assert (found["e"].tone, found["d"].tone, found["c"].tone, found["a"].tone) == (
        "conflict",
        "conflict",
        "pending",
        "applied",
    )


@pytest.mark.parametrize("current", [None, ["j20"], ["r0"]])
def test_every_revision_is_drawn_or_counted(tmp_path: Path, current: list[str] | None) -> None:
    graph = large()
    found = drawn(history(tmp_path, graph), current)
    assert sum(row.size for row in found.rows) + found.left_out == len(graph)
    assert len({(edge.top, edge.bottom, edge.lane) for edge in found.edges}) == len(found.edges)
    for edge in found.edges:
        assert edge.top < edge.bottom <= len(found.rows)
        assert 0 <= edge.lane < found.lanes
        assert edge.bottom < len(found.rows) or found.left_out


def test_300_revisions_with_merges_are_readable(tmp_path: Path) -> None:
    found = history(tmp_path, large())
    assert len(found.revisions) > 344
    assert len(drawn(found).rows) == 97
    assert drawn(found).lanes == 2
    settled = drawn(found, ["j30"])
    assert len(settled.rows) < 30, "what is below the database's place is left out"
    assert settled.left_out > 300


def test_no_edge_runs_through_a_node(tmp_path: Path) -> None:
    graph: dict[str, Down] = {**large(4, 2), "x": "f1_0", "y": "x", "z": ("y", "j3"), "w": "m0_1"}
    found = drawn(history(tmp_path, graph))
    for edge in found.edges:
        between = range(edge.top + 1, edge.bottom)
        assert not [place for place in between if found.rows[place].lane == edge.lane], edge


def test_a_huge_history_is_cut(tmp_path: Path) -> None:
    graph: dict[str, Down] = {"r": None} | {f"b{number}": "r" for number in range(600)}
    found = drawn(history(tmp_path, graph))
    assert len(found.rows) == MOST_ROWS
    assert found.left_out == 201


def test_a_cycle_has_no_drawing_and_the_page_is_made(tmp_path: Path) -> None:
    found = history(tmp_path, {"a": "b", "b": "a"})
    assert drawn(found).rows == ()
    text = page_html(Page(run=report(found), drills=(), history=(), generated_at=NOW, revisions=found))
    assert "migration-cycle" in text
    assert 'id="graph"' not in text


def test_the_page(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a": None, "b": "a", "c": "a"})
    write(folder / "versions", "d", "c", message="<script>alert(1)</script> \u202e {{ 7*7 }}")
    found = read(folder)
    picture = drawing(drawn(found, ["a"]))
    assert picture.height == ROW * 4
    text = page_html(Page(run=report(found, ["a"]), drills=(), history=(), generated_at=NOW, revisions=found))
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert len(re.findall(r"<li class=.is-", text)) == 4
    assert all(f'<path d="{path}"/>' in text for path in picture.paths)
    assert len(picture.paths) == 3
