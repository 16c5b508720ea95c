"""One round over a target, of whichever engine and by whichever way: doctor, backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dbops import app
from dbops.config import App, StoreConfig, Target
from dbops.engine.restoring import Wishes
from dbops.model import Finding, Manifest, Report, Severity, Verdict
from dbops.ops.doctor import database_findings
from dbops.ops.restore import restore
from dbops.progress import Silent
from tests.fault import support


def complaints(target: Target) -> list[Finding]:
    """What doctor finds wrong."""
    found = database_findings(app.open_engine(target), target, app.now)
    return [finding for finding in found if finding.severity is not Severity.INFO]


def restored(target: Target, store: Path, made: Manifest, **wishes: Any) -> Report:
    """A restore over the target's own database; the safety backup of one in place goes into the same store."""
    return restore(
        app.open_engine(target).restorer(None),
        app.open_catalog(StoreConfig(url=str(store))),
        made,
        Wishes(**{"jobs": 2, **wishes}),
        App(),
        clock=app.now,
        progress=Silent(),
        confirm=lambda _: True,
        safety=lambda: support.run(target, store),
    )


def whole_round(target: Target, store: Path) -> Manifest:
    """Nothing is wrong with it, and what it has equals its backup once it is restored."""
    wrong = complaints(target)
    assert wrong == [], wrong
    made = support.run(target, store)
    assert made.inventory.basis == "snapshot"
    report = restored(target, store, made)
    wrong = [finding for finding in report.findings if finding.severity is not Severity.INFO]
    assert (report.verdict, wrong) == (Verdict.PASS, []), wrong
    return made
