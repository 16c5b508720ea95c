"""The commutativity step of the gate: parallel branches run in both orders on scratch databases."""

from __future__ import annotations

from dbops.language import msg
from dbops.migrations.conflicts import forks
from dbops.migrations.rules import of_step
from dbops.model import NotEvaluated
from dbops.ops.commute import STEP, prove
from dbops.ops.gate_steps import NO_DATABASE, NOT_KNOWN, Outcome, Step
from dbops.ops.migration_ground import Ground
from dbops.ops.workshop import Workshop


class Commuter:
    """Proves when it is called as a step. `always`: also heads of which nothing is known to be pending (`merge` needs
    no database). `touched`: what each branch changes, once it has run."""

    def __init__(self, workshop: Workshop, *, always: bool = False) -> None:
        self._workshop, self._always = workshop, always
        self.touched: dict[str, tuple[str, ...]] = {}

    def step(self) -> Step:
        return Step(STEP, self)

    def __call__(self, ground: Ground) -> Outcome:
        if ground.broken:
            return Outcome(open=[NotEvaluated(id=STEP, reason=ground.broken)])
        if self._always:
            names = [one.id for one in ground.history.revisions]
        elif ground.version is None:
            return Outcome(skipped=[NotEvaluated(id=STEP, reason=NO_DATABASE)])
        elif ground.pending is None:
            return Outcome(open=[NotEvaluated(id=STEP, reason=NOT_KNOWN)])
        else:
            names = [one.id for one in ground.pending]
        found = forks(ground.history, names)
        if self._always:  # merges that are written already are history here
            found = tuple(one for one in found if not one.merge)
        if not found:
            return Outcome(
                skipped=[NotEvaluated(id=STEP, reason=msg("there are no parallel branches with something to run"))]
            )
        proof = prove(ground.history, found, self._workshop)
        self.touched = dict(proof.touched)
        judged = of_step("commutativity") if len(proof.open) < len(found) else ()
        return Outcome(proof.findings, judged, proof.skipped, proof.open)
