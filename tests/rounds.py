"""One round over a target, of whichever engine and by whichever way: doctor, backup, restore."""

from __future__ import annotations

from pathlib import Path

from dbops import app
from dbops.config import App, StoreConfig, Target
from dbops.engine.restoring import Wishes
from dbops.model import Finding, Manifest, Severity, Verdict
from dbops.ops.doctor import database_findings
from dbops.ops.restore import restore
from dbops.progress import Silent
from tests.fault import support


def complaints(target: Target) -> list[Finding]:
    """What doctor finds wrong."""
    found = database_findings(app.open_engine(target), target, app.now)
    return [finding for finding in found if finding.severity is not Severity.INFO]


def whole_round(target: Target, store: Path) -> Manifest:
    """Nothing is wrong with it, and what it has equals its backup once it is restored."""
    wrong = complaints(target)
    assert wrong == [], wrong
    made = support.run(target, store)
    assert made.inventory.basis == "snapshot"
    report = restore(
        app.open_engine(target).restorer(None),
        app.open_catalog(StoreConfig(url=str(store))),
        made,
        Wishes(jobs=2),
        App(),
        clock=app.now,
        progress=Silent(),
        confirm=lambda _: True,
        safety=None,
    )
    wrong = [finding for finding in report.findings if finding.severity is not Severity.INFO]
    assert (report.verdict, wrong) == (Verdict.PASS, []), wrong
    return made
