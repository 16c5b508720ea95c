"""restore --undo and --drop-old: what becomes of the database that a restore has set aside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from dbops.config import App
from dbops.engine.restoring import Aside, Restorer
from dbops.errors import NothingToCheckError
from dbops.ids import free_id
from dbops.language import joined, msg
from dbops.model import Finding, Report, Severity, Verdict
from dbops.ops.application import stopped
from dbops.ops.timing import timed
from dbops.progress import Progress


def undo(
    restorer: Restorer,
    target: str,
    app: App,
    *,
    end_sessions: bool,
    clock: Callable[[], datetime],
    progress: Progress,
    confirm: Callable[[Aside], bool],
) -> Report:
    """Swaps the database that the newest restore set aside back under its name; the restored one is kept."""
    phases: dict[str, float] = {}
    with restorer.lock():
        found = restorer.asides()
        if not found:
            raise _nothing(restorer, starts=app.start is not None)
        aside = found[0]
        if not confirm(aside):
            return _report(target, restorer, phases, [])
        moment = free_id(clock(), taken_moments(restorer))
        with stopped(app, progress, phases):
            restorer.check_sessions(end_sessions=end_sessions)
            progress.phase("swap")
            with timed(phases, "swap"):
                undone = restorer.undo(aside, moment, end_sessions=end_sessions)
    text = msg("{aside} is {restorer} again", aside=aside.name, restorer=restorer.name)
    hint = (
        msg("the restored database is kept as {undone}; when it is not needed, drop it with --drop-old", undone=undone)
        if undone
        else ""
    )
    return _report(target, restorer, phases, [_done("undone", restorer.name, text, hint)])


def taken_moments(restorer: Restorer) -> list[str]:
    """The moments in the names of what stands aside: one that was used again would be refused by the server, and an
    earlier one, of a clock that was set back, would not be the newest that `undo` takes."""
    return [aside.moment for aside in _standing(restorer)]


def _standing(restorer: Restorer) -> list[Aside]:
    return [*restorer.asides(), *restorer.undone()]


def drop_old(restorer: Restorer, target: str, *, progress: Progress, confirm: Callable[[list[Aside]], bool]) -> Report:
    """Drops all databases that restores of this one, and their undoing, have set aside."""
    phases: dict[str, float] = {}
    with restorer.lock():
        asides = _standing(restorer)
        if not asides:
            raise _nothing(restorer)
        if not confirm(asides):
            return _report(target, restorer, phases, [])
        progress.phase("drop")
        with timed(phases, "drop"):
            for aside in asides:
                restorer.drop(aside)
    return _report(target, restorer, phases, [_done("dropped", aside.name, msg("is gone")) for aside in asides])


def _nothing(restorer: Restorer, *, starts: bool = False) -> NothingToCheckError:
    # It may be asked for after a restore that was killed before its swap: only a restore, or a person, starts it then.
    start = msg("; if a killed restore left the application stopped, restore again or run its start command")
    hints = [msg("nothing was changed{start}", start=start if starts else "")]
    if undone := restorer.undone():
        hints.append(
            msg(
                "it was undone already: the restored database is {undone}; restore again, or drop it with --drop-old",
                undone=undone[0].name,
            )
        )
    return NothingToCheckError(
        msg("no restore has set aside a database of {restorer}", restorer=restorer.name),
        hint=joined("\n", hints),
        kind="no-old-database",
    )


def _done(kind: str, subject: str, text: str, hint: str = "") -> Finding:
    return Finding(id=kind, severity=Severity.INFO, subject=subject, actual=text, hint=hint)


def _report(target: str, restorer: Restorer, phases: dict[str, float], findings: list[Finding]) -> Report:
    return Report(
        task="restore",
        target=target,
        verdict=Verdict.PASS,
        findings=tuple(findings),
        phases=phases,
        provenance={"database": restorer.name},
    )
