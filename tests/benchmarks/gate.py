"""The static gate as a whole process, against Alembic's own load of the same history, which is one that loads.

Seconds are those of the processor: both sides run on one, and what else the machine does shall not count.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.measure import Measured, best, child, shell
from tests.unit.migration_samples import Down, project

REVISIONS, MERGES, MANY = 344, 32, 5000
"""The largest real history that we know of, and one that nobody has."""
SECONDS, MANY_SECONDS = 1.0, 8.0
_LOAD = (
    "from alembic.script import ScriptDirectory; "
    "heads = ScriptDirectory({folder!r}).get_heads(); assert len(heads) == 1, heads"
)
_BODY = "\n    ".join(
    [
        "op.create_table('t', sa.Column('id', sa.Integer(), nullable=False), sa.PrimaryKeyConstraint('id'))",
        *(f"op.add_column('t', sa.Column('c{n}', sa.String(length=20), nullable=True))" for n in range(12)),
        "with op.batch_alter_table('t', schema=None) as batch_op:",
        *(f"    batch_op.create_index(batch_op.f('ix_t_c{n}'), ['c{n}'], unique=False)" for n in range(6)),
    ]
)


class Compared(NamedTuple):
    """`bound`: of the ratio. `most`: seconds that ours may take."""

    name: str
    ours: Measured
    plain: Measured
    bound: float | None = None
    most: float | None = None


def graph(revisions: int, merges: int) -> dict[str, Down]:
    """Branches of ever the same length, each merged before the next."""
    made: dict[str, Down] = {"r0": None}
    last = "r0"
    steps = max(1, (revisions - 1 - merges) // (2 * merges))
    for number in range(merges):
        for side in "ab":
            for step in range(steps):
                made[f"{side}{number}x{step}"] = f"{side}{number}x{step - 1}" if step else last
        made[f"m{number}"] = (f"a{number}x{steps - 1}", f"b{number}x{steps - 1}")
        last = f"m{number}"
    while len(made) < revisions:
        name = f"t{len(made)}"
        made[name], last = last, name
    return made


def gate(rounds: int) -> Iterator[Compared]:
    """Small and large, with and without the compiled files that Alembic keeps beside the revisions."""
    with tempfile.TemporaryDirectory(prefix="dbops-bench-gate-") as place:
        folders = {
            count: project(
                Path(place) / str(count),
                graph(count, merges),
                imports="",
                upgrade=_BODY,
                downgrade="op.drop_table('t')",
            )
            for count, merges in ((REVISIONS, MERGES), (MANY, MANY * MERGES // REVISIONS))
        }
        for count, folder in folders.items():
            ours = partial(_ours, folder)
            cold, warm, judged = best(
                rounds, partial(_load, folder, compiled=False), partial(_load, folder, compiled=True), ours
            )
            most = SECONDS if count == REVISIONS else MANY_SECONDS
            name = f"gate --static, {count} revisions, against Alembic's load"
            yield Compared(name, judged, cold, 1.0, most)
            yield Compared(f"{name}, compiled before", judged, warm)
            if count == REVISIONS:
                few = judged
        slope = few._replace(seconds=few.seconds * MANY / REVISIONS)
        yield Compared(
            f"gate --static, {MANY} revisions, against {MANY / REVISIONS:.1f} times {REVISIONS}", judged, slope, 1.0
        )


def _ours(folder: Path) -> Measured:
    return _processor(lambda: child(["gate", "--static", "--directory", str(folder)], dict(os.environ)))


def _load(folder: Path, *, compiled: bool) -> Measured:
    """`compiled`: with what an earlier load has left, which a checkout in CI does not have."""
    if not compiled:
        shutil.rmtree(folder / "versions" / "__pycache__", ignore_errors=True)
    command = f'{sys.executable} -c "{_LOAD.format(folder=str(folder))}"'
    return _processor(lambda: shell(command, os.environ | {"PYTHONDONTWRITEBYTECODE": ""}))


def _processor(run: Callable[[], Measured]) -> Measured:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    measured = run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return measured._replace(seconds=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
