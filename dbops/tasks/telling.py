"""Around a task: those who want to know are told when it begins, and what became of it, whatever that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from invoke.exceptions import Exit as TaskExit

from dbops import app, logs, runs
from dbops.cli import Output, code_of, rank
from dbops.config import Config
from dbops.console import Display
from dbops.errors import DbopsError, Exit
from dbops.language import msg
from dbops.model import Manifest, Report
from dbops.notify.deliver import Undelivered
from dbops.ops import announce
from dbops.ops.announce import Announcer, Outcome
from dbops.signals import uninterrupted


class Teller:
    """Tells of each target once how its run has ended."""

    def __init__(self, config: Config, targets: Sequence[str], progress: Display | None) -> None:
        self._progress = progress
        task = runs.current().task
        self._open: dict[str, Announcer] = {}
        self._told_success: dict[str, Announcer] = {}
        for target in targets:
            if channels := app.open_channels(config, target, task):
                self._open[target] = Announcer(channels, target, app.now)

    def start(self) -> None:
        for announcer in self._open.values():
            self._warn(announcer.start())

    def made(self, manifest: Manifest) -> None:
        """A backup was made. Its manifest is published, so that warnings are in the log alone."""
        self._end(manifest.target, announce.of_manifest(manifest))

    def judged(self, report: Report, each: Sequence[Report] = ()) -> Report:
        """A report is about to be shown: as it is to be shown, with who was not told. `each`: those of its targets, if
        it speaks of several; of several on one target the worst is told."""
        worst: dict[str, Report] = {}
        for one in sorted(each or (report,), key=lambda one: rank(code_of(one))):
            worst.setdefault(one.target, one)
        told = [self._end(target, announce.of_report(one, code_of(one))) for target, one in worst.items()]
        undelivered = [item for items in told for item in items]
        return announce.with_warnings(report, undelivered) if undelivered else report

    def rest(self, outcome: Outcome) -> None:
        """Those that were not told yet."""
        for target in list(self._open):
            self._end(target, outcome)

    def failed(self, error: BaseException) -> None:
        """The task ended with an error; who was told of success before is told again."""
        if isinstance(error, DbopsError) and error.kind == "not-confirmed":  # somebody is there, and said no
            return
        code = error.code or 0 if isinstance(error, TaskExit) else Exit.BUG
        if code:
            self._open |= self._told_success
            ended = Outcome(code, f"it ended with exit code {code}")
            self.rest(ended if isinstance(error, TaskExit) else announce.of_error(error))

    def _end(self, target: str, outcome: Outcome) -> list[Undelivered]:
        """'' stands for a target whose name was not known."""
        key = target if target in self._open else ""
        announcer = self._open.pop(key, None)
        if announcer is None:
            return []
        if outcome.code == Exit.OK:
            self._told_success[key] = announcer
        with uninterrupted():  # bounded by the channels' time limits
            undelivered = announcer.end(outcome, target)
        self._warn(undelivered)
        return undelivered

    def _warn(self, undelivered: Sequence[Undelivered]) -> None:
        if undelivered and self._progress is not None:
            self._progress.end()
        for finding in announce.warnings(undelivered):
            hint = msg(" ({hint})", hint=finding.hint.splitlines()[-1]) if finding.hint else ""
            text = msg("{subject}: {actual}{hint}", subject=finding.subject, actual=finding.actual, hint=hint)
            logs.say("warning", finding.id, text, channel=finding.subject)


@contextmanager
def telling(
    output: Output,
    config: Config,
    targets: Sequence[str],
    *,
    progress: Display | None = None,
    quiet: bool = False,
) -> Iterator[Teller]:
    """Tells the channels of these targets ('' where none is named). `quiet`: nobody, as in a dry run.

    A channel that does not work changes nothing for the task, nor for the other channels.
    """
    teller = Teller(config, () if quiet else list(dict.fromkeys(targets)), progress)
    teller.start()
    try:
        yield teller
    except BaseException as error:
        teller.failed(error)
        raise
    teller.rest(Outcome(output.code, "done" if output.code == Exit.OK else f"it ended with exit code {output.code}"))
