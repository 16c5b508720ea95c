"""Every rule of the gate: its stable id, what it weighs, why it is there, and what mends what it finds.

What a rule found in one place says more than what is here: each finding has its own hint.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple

from dbops.language import msg
from dbops.migrations.rule_texts import (
    BASE,
    COMMUTATIVITY,
    DATABASE,
    DRIFT,
    EDGES,
    FILES,
    LEDGER,
    LINT,
    REHEARSAL,
    REVISIONS,
    SUPPRESSIONS,
)
from dbops.model import Severity


class Rule(NamedTuple):
    """`step`: the step of the gate that judges it. `cases`: its numbers among the known cases, '' for none. `firm`:
    Alembic itself stops there, or the gate could not be trusted without it: it is not switched off or suppressed."""

    id: str
    step: str
    severity: Severity
    cases: str
    why: str
    fix: str
    firm: bool = False


def _rules(step: str, texts: Iterable[tuple[str, str, str, str, str]]) -> dict[str, Rule]:
    """Those of a step. A severity with `!` is that of a firm rule."""
    return {
        name: Rule(name, step, Severity(severity.rstrip("!")), cases, why, fix, firm=severity.endswith("!"))
        for name, severity, cases, why, fix in texts
    }


RULES: dict[str, Rule] = {
    **_rules("files", FILES),
    **_rules("graph", EDGES),
    **_rules("base", BASE),
    **_rules("revisions", REVISIONS),
    **_rules("database", DATABASE),
    **_rules("ledger", LEDGER),
    **_rules("drift", DRIFT),
    **_rules("lint", LINT),
    **_rules("commutativity", COMMUTATIVITY),
    **_rules("rehearsal", REHEARSAL),
    **_rules("suppressions", SUPPRESSIONS),
}
"""By id, in the order in which the gate judges them."""


def close_to(name: str) -> str:
    """`did you mean '…'? ` for an id that no rule has; empty if none is like it."""
    found = difflib.get_close_matches(name, RULES, n=1)
    return msg("did you mean '{near}'? ", near=found[0]) if found else ""


def of_step(step: str) -> tuple[str, ...]:
    """Ids of the rules that a step of the gate judges."""
    return tuple(rule.id for rule in RULES.values() if rule.step == step)
