"""The trend of one target as charts: geometry as values, which a template draws as SVG. Pure: history in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from dbops.config.units import format_duration, format_size
from dbops.model import Verdict
from dbops.report.history import HistoryLine

WIDTH, HEIGHT = 340.0, 190.0
LEFT, RIGHT, TOP, BOTTOM = 62.0, 14.0, 12.0, 30.0
_POINTS = 30
"""Runs that a chart shows at most: the newest."""
_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


class Point(NamedTuple):
    """A measured value in the plane of the drawing; `passed`: whether its run did."""

    x: float
    y: float
    passed: bool
    label: str


class Tick(NamedTuple):
    """A mark on an axis; `anchor` as of SVG's `text-anchor`."""

    at: float
    label: str
    anchor: str = "middle"


class Chart(NamedTuple):
    """`line` and `points` are in units of the drawing (WIDTH by HEIGHT), the origin at the top left."""

    title: str
    summary: str
    """The chart in one sentence, for those who cannot see it."""
    points: Sequence[Point]
    lines: Sequence[str]
    """Polylines; more than one where a value was not measured between."""
    ys: Sequence[Tick]
    xs: Sequence[Tick]
    limit: Tick | None
    """The policy's target, where it lies within the chart."""


def charts(history: Sequence[HistoryLine], *, rto_allowed: float | None, rpo_allowed: float | None) -> list[Chart]:
    """RTO, RPO and stored size of the newest runs; a chart needs two values."""
    runs = sorted(history, key=lambda run: run.at)[-_POINTS:]
    rto, rpo = [run.rto_seconds for run in runs], [run.rpo_seconds for run in runs]
    stored = [run.bytes for run in runs]
    made = [
        _chart("RTO: time to recover", runs, rto, format_duration, _time_step, rto_allowed),
        _chart("RPO: age of the newest row", runs, rpo, format_duration, _time_step, rpo_allowed),
        _chart("Stored size", runs, stored, lambda value: format_size(round(value)), _size_step, None),
    ]
    return [chart for chart in made if chart is not None]


def _chart(
    title: str,
    runs: Sequence[HistoryLine],
    values: Sequence[float | None],
    form: Callable[[float], str],
    step_of: Callable[[float], float],
    limit: float | None,
) -> Chart | None:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    largest = max([*known, limit]) if limit is not None and limit <= 3 * max(known) else max(known)
    step = step_of(max(largest, 1e-9) / 3)
    top = step * max(1, math.ceil(largest / step))
    y_of = _scale(0, top, HEIGHT - BOTTOM, TOP)
    x_of = _scale(0, max(1, len(runs) - 1), LEFT + 8, WIDTH - RIGHT - 8)
    points = [
        None
        if value is None
        else Point(
            x_of(index),
            y_of(value),
            run.verdict is Verdict.PASS,
            f"{_date(run.at)}: {form(value)}, {run.verdict.value}",
        )
        for index, (run, value) in enumerate(zip(runs, values, strict=True))
    ]
    return Chart(
        title=title,
        summary=f"{len(known)} runs from {_date(runs[0].at)} to {_date(runs[-1].at)}: from {form(min(known))} to "
        f"{form(max(known))}, last {form(known[-1])}" + (f"; target {form(limit)}" if limit is not None else ""),
        points=[point for point in points if point is not None],
        lines=_polylines(points),
        ys=[Tick(y_of(step * n), form(step * n) if n else "0") for n in range(round(top / step) + 1)],
        xs=[Tick(x_of(0), _date(runs[0].at), "start"), Tick(x_of(len(runs) - 1), _date(runs[-1].at), "end")],
        limit=Tick(y_of(limit), f"target {form(limit)}") if limit is not None and limit <= top else None,
    )


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: round(start + (value - low) / (high - low) * (end - start), 1)


def _polylines(points: Sequence[Point | None]) -> list[str]:
    parts: list[list[Point]] = [[]]
    for point in points:
        if point is None:
            parts.append([])
        else:
            parts[-1].append(point)
    return [" ".join(f"{point.x},{point.y}" for point in part) for part in parts if len(part) > 1]


def _label(run: HistoryLine, value: str) -> str:
    return f"{_date(run.at)}: {value}, {run.verdict.value}"


def _date(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")


def _time_step(rough: float) -> float:
    """The next round number of seconds, minutes, hours or days."""
    if rough < 1:
        return _round_step(rough)
    return next((step for step in _SECONDS if step >= rough), _round_step(rough / 86400) * 86400)


def _size_step(rough: float) -> float:
    return max(1.0, _round_step(rough))


def _round_step(rough: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= rough * (1 - 1e-9))
