"""The drift step of the gate: what the revisions that have run build on a scratch database, against the live schema."""

from __future__ import annotations

from collections.abc import Callable

from dbops.engine.scratch import Definitions
from dbops.errors import DbopsError
from dbops.language import msg
from dbops.migrations.drift import RULE, STEP, drift
from dbops.model import NotEvaluated
from dbops.ops.gate_steps import NO_DATABASE, Outcome, Step, current_of
from dbops.ops.migration_ground import Ground
from dbops.ops.workshop import Workshop


class Drifter:
    """Compares when it is called as a step. `live`: the definitions of the database's own objects. It is not open where
    nothing could be compared: applications that do not run on an empty database are many, and the rehearsal runs on
    what is there."""

    def __init__(self, workshop: Workshop, live: Callable[[], Definitions]) -> None:
        self._workshop, self._live = workshop, live

    def step(self) -> Step:
        return Step(STEP, self)

    def __call__(self, ground: Ground) -> Outcome:
        if ground.version is None:
            return _skipped(NO_DATABASE)
        rows = current_of(ground)
        if ground.broken or len(rows) < len(ground.version.rows):
            return _skipped(ground.broken or msg("the database is at a revision that the code does not have"))
        if not rows:
            return _skipped(msg("no revision was applied"))
        try:
            with self._workshop.database(rows) as database:
                built = database.look().definitions
            live = self._live()
        except DbopsError as error:
            return _skipped(msg("what the revisions build could not be had: {error}", error=error))
        tables = built.get("table", {}).keys()
        if not tables & (live.get("table", {}).keys() - {ground.version.table}):
            return _skipped(msg("none of the tables that the revisions build is in the database under the same name"))
        return Outcome(drift(built, live, ground.version.table), [RULE])


def _skipped(reason: str) -> Outcome:
    return Outcome(skipped=[NotEvaluated(id=STEP, reason=reason)])
