"""status: where the database stands to the code, what is pending in which order, and what is in conflict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from dbops.ops.gate import Settings, gate
from dbops.ops.gate_steps import Step, database, graph, interrupted
from dbops.ops.migration_ground import Ground
from dbops.ops.migration_report import MigrationReport

STEPS = (Step("graph", graph), Step("database", database), Step("ledger", interrupted))


def status(
    ground: Ground,
    settings: Settings,
    *,
    clock: Callable[[], datetime],
    phases: Mapping[str, float] | None = None,
) -> MigrationReport:
    """PASS: an upgrade has one way to go, or none is needed. FAIL: files or database are in conflict."""
    return gate(ground, settings, clock=clock, plan=STEPS, task="status", phases=phases)
