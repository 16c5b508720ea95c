"""`history.jsonl`: one line a drill, for the trend. Written by many, read with patience."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from dbops.model import Failure, Report, Verdict
from dbops.values import Value

NEWEST = 50
"""Lines of each target that a report needs."""
_LINE_LIMIT_BYTES = 1 << 20


class HistoryLine(Value, frozen=True, forbid_unknown_fields=False):
    """The figures of one drill. `bytes`: stored size; `rows`: of the source. None: not measured."""

    at: datetime
    target: str
    backup: str
    verdict: Verdict
    failure: Failure = Failure.NONE
    rto_seconds: float | None = None
    rpo_seconds: float | None = None
    bytes: int | None = None
    rows: int | None = None
    phases: dict[str, float] = msgspec.field(default_factory=dict)
    sandbox: str = ""
    engine_version: str = ""


class History(NamedTuple):
    """Lines, oldest first, and how many could not be read. `trouble`: why new ones could not be added, or ''."""

    lines: list[HistoryLine]
    unreadable: int
    trouble: str = ""


def line(drill: Report, at: datetime) -> HistoryLine:
    """What is kept of a drill."""
    evidence, facts = drill.evidence, drill.provenance
    sandbox = evidence.sandbox if evidence is not None else None
    return HistoryLine(
        at=at.astimezone(UTC),
        target=drill.target,
        backup=str(facts.get("backup", "")),
        verdict=drill.verdict,
        failure=drill.failure,
        rto_seconds=evidence.rto_seconds if evidence is not None else None,
        rpo_seconds=evidence.rpo_seconds if evidence is not None else None,
        bytes=_whole(facts.get("bytes")),
        rows=_whole(facts.get("rows")),
        phases=drill.phases,
        sandbox=sandbox.kind if sandbox is not None else "",
        engine_version=sandbox.version if sandbox is not None else "",
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def extend(path: Path | None, drills: Iterable[Report], at: datetime) -> History:
    """Adds a line for each drill to the file; what it holds then. Without a file, the new lines alone."""
    past = load(path) if path is not None else History([], 0)
    lines = [line(drill, at) for drill in drills]
    trouble = ""
    if path is not None:
        try:
            append(path, lines)
        except OSError as error:
            trouble = error.strerror or str(error)
    return History([*past.lines, *lines], past.unreadable, trouble)


def append(path: Path, lines: Iterable[HistoryLine]) -> None:
    """Adds each line with one write, under a lock: runs at the same time do not mix theirs.

    The file is made with mode 0600. A last line that somebody else has left unfinished is ended first.
    """
    encoded = [msgspec.json.encode(item) + b"\n" for item in lines]
    if not encoded:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with contextlib.closing(os.fdopen(descriptor, "r+b", buffering=0)) as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # let go when the file is closed
        size = os.fstat(descriptor).st_size
        if not size:
            os.fchmod(descriptor, 0o600)
        elif os.pread(descriptor, 1, size - 1) != b"\n":
            os.write(descriptor, b"\n")
        for data in encoded:
            view = memoryview(data)
            while view:  # a short write only where the disk is nearly full
                view = view[os.write(descriptor, view) :]


def load(path: Path, newest: int = NEWEST) -> History:
    """The newest lines of each target, oldest first; lines that cannot be read are counted. No file, no lines."""
    found: dict[str, list[HistoryLine]] = defaultdict(list)
    unreadable = 0
    for data in _lines(path):
        try:
            item = msgspec.json.decode(data, type=HistoryLine)
        except (msgspec.DecodeError, ValueError, RecursionError):
            unreadable += 1
            continue
        if item.at.utcoffset() is None:
            unreadable += 1
            continue
        found[item.target].append(item)
    kept = [item for items in found.values() for item in _newest(items, newest)]
    return History(sorted(kept, key=lambda item: item.at), unreadable)


def read(path: Path, newest: int = NEWEST) -> list[HistoryLine]:
    """The lines of `load`."""
    return load(path, newest).lines


def _newest(items: Sequence[HistoryLine], newest: int) -> Sequence[HistoryLine]:
    return sorted(items, key=lambda item: item.at)[-newest:] if newest > 0 else ()


def _lines(path: Path) -> Iterator[bytes]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    except OSError:
        yield b""  # counts as one that cannot be read
        return
    with file:
        for data in file:
            if data.strip():
                yield data if len(data) <= _LINE_LIMIT_BYTES else b""
