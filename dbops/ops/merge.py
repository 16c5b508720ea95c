"""merge: one revision that joins all heads, written only if both orders of each pair give one schema."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from dbops.errors import ConfigError, RefusedError, StoreError
from dbops.language import msg
from dbops.migrations.history import History, parse, read
from dbops.migrations.layout import find
from dbops.migrations.merge_file import MergeFile, render
from dbops.migrations.runner_place import Place
from dbops.model import Severity, Verdict
from dbops.ops.gate import Settings, gate
from dbops.ops.gate_steps import Step, graph
from dbops.ops.migration_ground import Ground
from dbops.ops.migration_report import MigrationReport

HEADS = "migration-heads"


class Request(NamedTuple):
    """`accept`: why the heads are merged even if they are not shown to commute."""

    message: str = ""
    accept: str = ""
    dry_run: bool = False


class Merged(NamedTuple):
    """`file` None: nothing is written, for the report says why, or there is one head already."""

    report: MigrationReport
    file: MergeFile | None
    history: History


def merge(
    ground: Ground,
    settings: Settings,
    place: Place,
    proof: Step,
    request: Request,
    *,
    clock: Callable[[], datetime],
) -> Merged:
    """Raises `RefusedError` for a graph that is broken otherwise, `ConfigError` for a template that cannot be used."""
    history = ground.history
    if ground.broken:
        raise RefusedError(
            msg("heads cannot be told: {broken}", broken=ground.broken), hint=msg("mend the files first: dbops status")
        )
    if len(history.heads) < 2:
        return Merged(_report(ground, settings, (), clock), None, history)
    if "\n" in request.message or len(request.message) > 200:
        raise ConfigError(msg("--message: one line of at most 200 characters"), kind="bad-flag")
    report = _report(ground, settings, (proof,), clock)
    # That there are several heads is what this is for.
    findings = tuple(one for one in report.findings if one.id != HEADS)
    others = [one for one in findings if one.severity is Severity.ERROR]
    verdict = Verdict.FAIL if others else report.verdict if report.verdict is not Verdict.FAIL else Verdict.PASS
    if verdict is Verdict.PASS and any(one.id == proof.id for one in report.not_evaluated):
        verdict = Verdict.INCONCLUSIVE
    report = msgspec.structs.replace(report, findings=findings, verdict=verdict)
    if verdict is not Verdict.PASS and not request.accept:
        return Merged(report, None, history)
    heads = history.heads
    message = request.message or f"merge {' and '.join(heads)}"[:200]
    reason = request.accept if verdict is not Verdict.PASS else ""
    made = render(history, place, heads, message, " ".join(reason.split()), clock())
    after = _checked(history, made)
    if not request.dry_run:
        _write(made)
        after = read(history.root)
        _one_head(after, made)
    facts = {**report.provenance, "written": str(made.path), "revision": made.id, "dry_run": request.dry_run}
    if reason:
        facts["accepted"] = reason
    report = msgspec.structs.replace(report, verdict=Verdict.PASS, heads=after.heads, provenance=facts)
    return Merged(report, made, after)


def _report(
    ground: Ground, settings: Settings, steps: tuple[Step, ...], clock: Callable[[], datetime]
) -> MigrationReport:
    return gate(ground, settings, clock=clock, plan=(Step("graph", graph), *steps), task="merge")


def _checked(history: History, made: MergeFile) -> History:
    """The history as it will be: what the template makes is read before anything is written."""
    contents = [(one.path, history.content(one.id)) for one in history.revisions]
    after = parse(history.root, [*contents, (find(history.root).name(made.path), made.text.encode())])
    _one_head(after, made)
    return after


def _one_head(after: History, made: MergeFile) -> None:
    if after.heads != (made.id,):
        raise ConfigError(
            msg(
                "{path}: with this file the heads are {heads}",
                path=made.path,
                heads=", ".join(after.heads) or msg("not known"),
            ),
            hint=msg("does script.py.mako write revision and down_revision as `alembic revision` has them?"),
            kind="merge-template",
        )


def _write(made: MergeFile) -> None:
    """The whole file at once, with the rights of any other source; never over one that is there."""
    folder = made.path.parent
    try:
        descriptor, name = tempfile.mkstemp(prefix=".merge-", dir=folder)  # no `.py`: Alembic would load it
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(made.text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o666 & ~_umask())
            os.link(name, made.path)
        finally:
            with contextlib.suppress(OSError):
                Path(name).unlink()
    except FileExistsError:
        raise RefusedError(
            msg("{path} exists already", path=made.path), hint=msg("nothing was written"), kind="exists"
        ) from None
    except OSError as error:
        raise StoreError(
            msg("{path} cannot be written: {reason}", path=made.path, reason=error.strerror or error), kind="merge-file"
        ) from None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
