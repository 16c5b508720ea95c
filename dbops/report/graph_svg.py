"""The lanes of the graph as an inline SVG: nodes and edges beside a list that has the words, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dbops.report.graph_rows import Edge, Row, Rows

ROW, LANE, MARGIN = 28, 16, 12
"""Pixels: the height of a row, which the style sheet has, too; the width of a lane; the space at the sides."""
_CLOSE_LANES = 14
"""More lanes than this are drawn closer, so that words have room on a telephone."""


class Node(NamedTuple):
    """The centre of a revision's mark, and how it is shown."""

    x: float
    y: float
    tone: str


class Drawing(NamedTuple):
    """`paths` are the `d` of each edge, `nodes` in the order of `rows`."""

    width: float
    height: float
    paths: Sequence[str]
    nodes: Sequence[Node]
    rows: Sequence[Row]
    left_out: int


def drawing(found: Rows) -> Drawing:
    """Positions of all nodes and edges."""
    lane = LANE if found.lanes <= _CLOSE_LANES else max(5.0, LANE * _CLOSE_LANES / found.lanes)
    below = bool(found.left_out)
    return Drawing(
        width=round(2 * MARGIN + max(0, found.lanes - 1) * lane, 1),
        height=ROW * (len(found.rows) + below),
        paths=[_path(edge, found.rows, lane) for edge in found.edges],
        nodes=[Node(_x(row.lane, lane), _y(place), row.tone) for place, row in enumerate(found.rows)],
        rows=found.rows,
        left_out=found.left_out,
    )


def _x(lane: int, width: float) -> float:
    return round(MARGIN + lane * width, 1)


def _y(place: int) -> float:
    return ROW * place + ROW / 2


def _path(edge: Edge, rows: Sequence[Row], width: float) -> str:
    """Down from a row, over into the edge's lane, and over again into the row that it ends at."""
    x1, y1, via = _x(rows[edge.top].lane, width), _y(edge.top), _x(edge.lane, width)
    inside = edge.bottom < len(rows)
    x2, y2 = (_x(rows[edge.bottom].lane, width), _y(edge.bottom)) if inside else (via, _y(edge.bottom))
    text, y = f"M{x1} {y1}", y1
    if via != x1:
        text += _bend(x1, y, via, y + ROW)
        y += ROW
    if x2 != via and y < y2:
        text += f"V{y2 - ROW}" if y2 - ROW > y else ""
        return text + _bend(via, max(y, y2 - ROW), x2, y2)
    return text + (f"V{y2}" if y2 > y else "")


def _bend(x1: float, y1: float, x2: float, y2: float) -> str:
    half = (y1 + y2) / 2
    return f"C{x1} {half} {x2} {half} {x2} {y2}"
