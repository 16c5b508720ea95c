"""What is told of a run: events made of its results and errors, and what is said of channels that were not told."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from dbops import __version__, runs
from dbops.config.passwords import masked
from dbops.config.units import format_duration, format_size
from dbops.errors import DbopsError, Exit
from dbops.ids import is_backup_id, moment_of
from dbops.language import msg
from dbops.model import Failure, Finding, Manifest, Report, Severity, Verdict
from dbops.notify.base import Channel, Event, Kind
from dbops.notify.deliver import Undelivered, deliver

_TOLD_FINDINGS = 5
_MESSAGE_LENGTH = 2000


class Outcome(NamedTuple):
    """What became of a run for one target. See `notify.base.Event`."""

    code: int
    message: str
    hint: str = ""
    verdict: str = ""
    failure: str = ""
    backup: str = ""
    findings: Mapping[str, int] = MappingProxyType({})
    figures: Mapping[str, float] = MappingProxyType({})


class Announcer:
    """Tells the channels of one target about one run. `begun` (UTC) is when it began."""

    def __init__(self, channels: Sequence[Channel], target: str, clock: Callable[[], datetime]) -> None:
        self.target = target
        self._channels = channels
        self._clock = clock
        self._begun = clock()

    def start(self) -> list[Undelivered]:
        """Tells the channels that the run begins; those that could not be told."""
        run = runs.current()
        return deliver(self._channels, self._event(Kind.START, Outcome(0, f"{run.task} of {self.target} begins")))

    def end(self, outcome: Outcome, target: str = "") -> list[Undelivered]:
        """Success is exit code 0, and nothing else. `target`: its name, where that was not known at the beginning."""
        self.target = target or self.target
        return deliver(self._channels, self._event(Kind.FAILURE if outcome.code else Kind.SUCCESS, outcome))

    def test(self) -> list[Undelivered]:
        """Tries out every channel; those that do not work."""
        text = "a test: this channel works. Nothing has failed."
        return deliver(self._channels, self._event(Kind.TEST, Outcome(0, text)))

    def _event(self, kind: Kind, outcome: Outcome) -> Event:
        run, now = runs.current(), self._clock()
        return Event(
            kind=kind,
            task=run.task,
            target=self.target,
            run=run.id,
            host=socket.gethostname(),
            at=now,
            message=masked(outcome.message)[:_MESSAGE_LENGTH],
            hint=masked(outcome.hint)[:_MESSAGE_LENGTH],
            verdict=outcome.verdict,
            failure=outcome.failure,
            exit_code=outcome.code if kind in (Kind.SUCCESS, Kind.FAILURE) else None,
            backup=outcome.backup,
            seconds=round((now - self._begun).total_seconds(), 3),
            findings=dict(outcome.findings),
            figures=dict(outcome.figures),
            dbops_version=__version__,
        )


def of_manifest(manifest: Manifest) -> Outcome:
    """A backup that was made."""
    seconds = (manifest.finished_at - manifest.started_at).total_seconds()
    return Outcome(
        code=Exit.OK,
        message=f"{format_size(manifest.bytes)}, {manifest.rows} rows, in {format_duration(seconds)}",
        backup=manifest.id,
        findings=_counted(manifest.findings),
        figures={
            "dbops_backup_snapshot_timestamp_seconds": manifest.snapshot_at.timestamp(),
            "dbops_backup_bytes": float(manifest.bytes),
            "dbops_backup_rows": float(manifest.rows),
            "dbops_backup_duration_seconds": seconds,
        },
    )


def of_report(report: Report, code: int) -> Outcome:
    """A verification, a drill, a run of checks."""
    serious = [f for f in report.findings if f.severity in (Severity.ERROR, Severity.OVER_TARGET)]
    told = [f"{finding.id}: {finding.subject}" for finding in serious[:_TOLD_FINDINGS]]
    told += [f"and {len(serious) - _TOLD_FINDINGS} more"] if len(serious) > _TOLD_FINDINGS else []
    told += [f"{item.id}: {item.reason}" for item in report.not_evaluated[:1] if not told and code]
    return Outcome(
        code=code,
        message=": ".join(part for part in (report.verdict.value, "; ".join(told)) if part),
        hint=next((finding.hint for finding in serious if finding.hint), ""),
        verdict=report.verdict.value,
        failure=report.failure.value,
        backup=_backup(report),
        findings=_counted(report.findings),
        figures=_figures(report),
    )


def of_error(error: BaseException) -> Outcome:
    """What ended the run."""
    if isinstance(error, DbopsError):
        return Outcome(code=error.exit_code, message=error.message, hint=error.hint)
    if isinstance(error, KeyboardInterrupt):
        return Outcome(code=Exit.INTERRUPTED, message="interrupted")
    return Outcome(code=Exit.BUG, message=f"a bug in dbops: {type(error).__name__}", hint="see the log of the run")


def tried(channels: Sequence[Channel], target: str, clock: Callable[[], datetime]) -> list[Finding]:
    """Sends a test to every channel, and says of each whether it took it."""
    if not channels:
        hint = msg("write [notify] in dbops.toml: dbops init --dry-run shows all keys")
        nobody = msg("nobody is told when a run fails")
        return [Finding(id="notify-none", severity=Severity.WARNING, subject="notify", actual=nobody, hint=hint)]
    failed = {item.key: item for item in Announcer(channels, target, clock).test()}
    return [
        Finding(
            id="notify",
            severity=Severity.ERROR if channel.key in failed else Severity.INFO,
            subject=channel.key,
            actual=masked(failed[channel.key].reason) if channel.key in failed else msg("took a test message"),
            hint=masked(failed[channel.key].hint) if channel.key in failed else "",
        )
        for channel in channels
    ]


def warnings(undelivered: Sequence[Undelivered]) -> list[Finding]:
    """For a report: who was not told."""
    return [
        Finding(
            id="notify-failed",
            severity=Severity.WARNING,
            subject=item.key,
            expected=msg("told what became of the run"),
            actual=masked(item.reason),
            hint=masked(item.hint),
        )
        for item in undelivered
    ]


def _counted(findings: Sequence[Finding]) -> dict[str, int]:
    return dict(Counter(finding.severity.value for finding in findings))


def _backup(report: Report) -> str:
    """The id of the backup that the report is of, if it is of one."""
    return str(report.provenance.get("backup", ""))


def _figures(report: Report) -> dict[str, float]:
    found: dict[str, float] = {}
    if report.evidence is not None:
        measured = {
            "dbops_drill_rto_seconds": report.evidence.rto_seconds,
            "dbops_drill_rpo_seconds": report.evidence.rpo_seconds,
        }
        found |= {name: value for name, value in measured.items() if value is not None}
    if report.failure is Failure.BAD_BACKUP or (report.task == "verify" and report.verdict is Verdict.FAIL):
        found["dbops_verified"] = 0.0
    elif report.verdict is Verdict.PASS or report.failure is Failure.OVER_TARGET:
        found["dbops_verified"] = 1.0
        if (moment := _newest(report)) is not None:
            found["dbops_verified_timestamp_seconds"] = moment.timestamp()
    return found


def _newest(report: Report) -> datetime | None:
    """When the newest of the backups that the report is of was begun."""
    several = report.provenance.get("backups", ())
    ids = [_backup(report), *(str(one.get("id", "")) for one in several)]
    return max((moment_of(text) for text in ids if is_backup_id(text)), default=None)


def with_warnings(report: Report, undelivered: Sequence[Undelivered]) -> Report:
    """The report, which says who was not told."""
    return msgspec.structs.replace(report, findings=(*report.findings, *warnings(undelivered)))
