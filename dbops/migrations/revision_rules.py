"""Rules over what single revisions do, as far as their text shows it (case 34), for those that are about to run.

The text of a helper is not looked for: where all that a function does is elsewhere, the rule is not evaluated
(case 37).
"""

from __future__ import annotations

from collections.abc import Iterable

from dbops.language import msg, some
from dbops.migrations.graph_rules import Judged
from dbops.migrations.history import History
from dbops.migrations.statements import Bodies
from dbops.migrations.values import Downgrade, Revision
from dbops.model import Finding, NotEvaluated, Severity

EMPTY, REFUSES = "migration-downgrade-empty", "migration-downgrade-refuses"
OPERATIONS = "migration-operations"
_SHOWN = 10


def downgrades(history: History, revisions: Iterable[Revision]) -> Judged:
    """Case 34: a way back that does nothing, where the way there does something."""
    found: list[Finding] = []
    elsewhere: list[str] = []
    for one in revisions:
        body = history.bodies(one.id)
        if not body.upgrades:
            continue
        match body.downgrade:
            case Downgrade.EMPTY:
                found.append(_empty(one, body))
            case Downgrade.REFUSES:
                actual = msg("downgrade() of {one} raises: there is none but a restore", one=one.id)
                found.append(_refuses(one, body.downgrade_line, actual))
            case Downgrade.MISSING:
                # Alembic looks for the function before it runs anything: nobody is told that it is done.
                actual = msg("{one} has no downgrade(), so that Alembic stops: there is none but a restore", one=one.id)
                found.append(_refuses(one, one.line, actual))
            case Downgrade.HIDDEN:
                elsewhere.append(f"{one.path}:{body.downgrade_line}")
            case Downgrade.WORKS:
                pass
    if not elsewhere:
        return Judged(tuple(found))
    reason = msg(
        "what downgrade() does is in another file, which is not read: {elsewhere}", elsewhere=some(elsewhere, _SHOWN)
    )
    return Judged(tuple(found), (NotEvaluated(id=EMPTY, reason=reason),))


def hidden(history: History, revisions: Iterable[Revision]) -> tuple[NotEvaluated, ...]:
    """Case 37: revisions that call for their effect what is not in their file."""
    bodies = ((one, history.bodies(one.id)) for one in revisions)
    found = [f"{one.path}:{body.hidden_line} {body.hidden}()" for one, body in bodies if body.hidden]
    if not found:
        return ()
    reason = msg(
        "not analysable from the files alone, what is called is not in them: {found}", found=some(found, _SHOWN)
    )
    return (NotEvaluated(id=OPERATIONS, reason=reason),)


def _empty(one: Revision, body: Bodies) -> Finding:
    return Finding(
        id=EMPTY,
        severity=Severity.WARNING,
        subject=f"{one.path}:{body.downgrade_line}",
        expected=msg("a way back: upgrade() changes something"),
        actual=msg("downgrade() of {one} does nothing", one=one.id),
        hint=msg("write the way back; or raise NotImplementedError in it, so that nobody believes in one"),
    )


def _refuses(one: Revision, line: int, actual: str) -> Finding:
    return Finding(
        id=REFUSES,
        severity=Severity.INFO,
        subject=f"{one.path}:{line}",
        expected=msg("a way back"),
        actual=actual,
        hint=msg("have a verified backup before it runs"),
    )
