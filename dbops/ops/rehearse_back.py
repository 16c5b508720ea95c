"""The way back: down and up again on the copy, if there is a downgrade to try. Only one that brings every row and every
definition back is a way back for production; else it is a restore."""

from __future__ import annotations

from typing import NamedTuple

from dbops.language import joined, msg
from dbops.migrations.goal import arrived
from dbops.migrations.values import Downgrade
from dbops.model import Finding, Severity
from dbops.ops.rehearse_copy import Look, differences
from dbops.ops.rehearse_facts import WayBack
from dbops.ops.rehearse_runs import Runs

_COMMANDS = {"flask-migrate": "flask db downgrade", "alembic": "alembic downgrade"}


class Back(NamedTuple):
    """What was shown."""

    way: WayBack
    findings: tuple[Finding, ...] = ()


def down_and_up(runs: Runs, before: Look, after: Look) -> Back:
    """`before` and `after`: what the copy held on both sides of the upgrade."""
    if why := _no_downgrade(runs):
        return Back(_restore(why))
    to = next(iter(runs.current), "base")
    outcome = runs.downgrade(to)
    rows = runs.rows()
    if rows != runs.current or outcome.why:
        reached = ", ".join(sorted(rows)) or msg("no revision")
        return _lost(
            runs,
            "rehearsal-downgrade-fails",
            msg("{why}: at {reached}", why=outcome.why or msg("it ends, and is not there"), reached=reached),
            outcome.stopped_in,
        )
    table = runs.plan.migrations.version_table
    different = differences(before, runs.look(before), table)
    back = Back(
        WayBack(
            kind="downgrade",
            seconds=runs.phases["downgrade"],
            command=f"{_COMMANDS[runs.plan.migrations.kind]} {to}",
        )
    )
    if different:
        back = _lost(runs, "rehearsal-downgrade-loses", "; ".join(different[:10]))
    again = runs.upgrade("upgrade again")
    trouble = stopped_in = ""
    if not arrived(runs.plan.history, runs.rows(), runs.plan.to):
        trouble, stopped_in = again.why or msg("it ends, and is not at its head"), again.stopped_in
    elif not different and (left := differences(after, runs.look(after), table)):
        trouble = msg("it gives another schema: {left}", left=joined("; ", left[:10]))
    if not trouble:
        return back
    lost = _lost(runs, "rehearsal-upgrade-again-fails", trouble, stopped_in)
    return lost._replace(findings=(*back.findings, *lost.findings))


def _no_downgrade(runs: Runs) -> str:
    """Why there is no way down; '' if there is one to try."""
    if runs.plan.start is not None and runs.current != runs.plan.start:
        return msg("the backup is not at the database's revisions")
    if len(runs.current) > 1:
        return msg("there are {count} current revisions to go back to", count=len(runs.current))
    for one in runs.pending:
        bodies = runs.plan.history.bodies(one.id)
        if bodies.upgrades and bodies.downgrade not in (Downgrade.WORKS, Downgrade.HIDDEN):
            return msg("{id} has no downgrade", id=one.id)
    return ""


def _restore(why: str) -> WayBack:
    """Whoever has restored knows how long that takes."""
    return WayBack(kind="restore", seconds=0.0, command="", why=why)


def _lost(runs: Runs, rule: str, text: str, revision: str = "") -> Back:
    """`revision`: the one in which it stopped, where it did."""
    finding = Finding(
        id=rule,
        severity=Severity.WARNING,
        subject=runs.place(revision) if revision else runs.subject,
        expected=msg("down and up again, with rows and schema as before"),
        actual=text,
        hint=msg("the way back is a restore: mend the downgrade, or let it raise NotImplementedError"),
    )
    return Back(_restore(text), (finding,))
