"""Metrics for Prometheus, as files of the node exporter's textfile collector: one for each task and target.

Times are Unix times, not ages: an age that is written stops growing when the backups stop.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dbops.language import msg
from dbops.notify.base import ChannelError, Event, Kind

HELP = {
    "dbops_last_run_timestamp_seconds": "When the newest run of the task ended, whatever became of it.",
    "dbops_last_run_success": "1 if the newest run of the task reached what it is for, else 0.",
    "dbops_last_run_exit_code": "Exit code of the newest run: 0 done, 3 bad, 4 failed, 5 inconclusive.",
    "dbops_last_run_duration_seconds": "How long the newest run took.",
    "dbops_last_success_timestamp_seconds": "When a run of the task last ended well; 0 if none ever did.",
    "dbops_findings": "Findings of the newest run, by severity.",
    "dbops_backup_snapshot_timestamp_seconds": "The moment that the newest backup holds: its age is time() minus this.",
    "dbops_backup_bytes": "Stored size of the newest backup.",
    "dbops_backup_rows": "Rows in the newest backup.",
    "dbops_backup_duration_seconds": "How long the newest backup took to make.",
    "dbops_drill_rto_seconds": "Measured seconds from 'start restoring' to 'verified', in the newest drill.",
    "dbops_drill_rpo_seconds": "Age of the newest recoverable row, at the newest drill.",
    "dbops_verified": "1 if the backup that was judged last is good, 0 if it is bad.",
    "dbops_verified_timestamp_seconds": "The moment of the backup that was last found good.",
}
_SEVERITIES = ("error", "over-target", "warning", "info")
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
"""Values by name and labels."""


class Metrics:
    """`folder`: where the collector looks; `mode`: the access bits of the files."""

    def __init__(self, key: str, folder: Path, mode: int, *, timeout: float) -> None:
        self.key = key
        self.timeout = timeout
        self._folder = folder
        self._mode = mode

    def wants(self, kind: Kind) -> bool:
        return kind is not Kind.START

    def send(self, event: Event) -> None:
        path = self._folder / f"dbops_{event.task}_{event.target or 'all'}.prom"
        try:
            if event.kind is Kind.TEST:
                _replace(self._folder / f".dbops-test-{os.getpid()}", b"", self._mode).unlink()
                return
            _replace(path, render(samples(event, read(path))), self._mode)
        except OSError as error:
            hint = msg("this account must be able to write in {folder}", folder=self._folder)
            raise ChannelError(
                msg("{folder} cannot be written: {reason}", folder=self._folder, reason=error.strerror), hint=hint
            ) from None


def samples(event: Event, before: Samples) -> Samples:
    """The values after a run. What a failed run does not know anew stays as it was."""
    base = (("target", event.target), ("task", event.task))
    now = event.at.timestamp()
    good = event.kind is Kind.SUCCESS
    found = {**before}
    found[("dbops_last_run_timestamp_seconds", base)] = now
    found[("dbops_last_run_success", base)] = float(good)
    found[("dbops_last_run_exit_code", base)] = float(event.exit_code or 0)
    found[("dbops_last_run_duration_seconds", base)] = event.seconds
    last = ("dbops_last_success_timestamp_seconds", base)
    found[last] = now if good else before.get(last, 0.0)
    for severity in _SEVERITIES:
        labels = (("severity", severity), *base)
        found[("dbops_findings", labels)] = float(event.findings.get(severity, 0))
    # With the task as a label, everywhere: one series in two files would be an error of the collector.
    for name, value in event.figures.items():
        found[(name, base)] = value
    return found


def read(path: Path) -> Samples:
    """What the file holds; nothing for one that is not there, or was damaged."""
    from prometheus_client.parser import text_string_to_metric_families

    found: Samples = {}
    with suppress(OSError, ValueError):
        for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
            for sample in family.samples:
                if sample.name in HELP:
                    found[(sample.name, tuple(sorted(sample.labels.items())))] = sample.value
    return found


def render(values: Samples) -> bytes:
    """The text format."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import GaugeMetricFamily

    class Values:
        def collect(self) -> Iterator[GaugeMetricFamily]:
            for name, text in HELP.items():
                mine = {labels: value for (other, labels), value in values.items() if other == name}
                if mine:
                    family = GaugeMetricFamily(name, text, labels=[key for key, _ in next(iter(mine))])
                    for labels, value in sorted(mine.items()):
                        family.add_metric([text for _, text in labels], value)
                    yield family

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Values())
    return generate_latest(registry)


def _replace(path: Path, content: bytes, mode: int) -> Path:
    """The file at once, never half of it; its name does not end in `.prom` before, so that nobody collects it."""
    descriptor, name = tempfile.mkstemp(prefix=".dbops-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        return Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
