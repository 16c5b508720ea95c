"""What a schedule is made of, and the forms that it can have."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from dbops.schedule.when import When

STARTS_SERVERS = frozenset({"drill", "check"})
"""Tasks that start servers of their own, in temporary folders and containers: they need more room than others."""


class Schedule(NamedTuple):
    """One task, again and again. `argv`: absolute; `folder`: where it runs, that of dbops.toml; `writes`: folders that
    it must be able to write; `zone` None: the scheduler's own; `user` None: whoever the scheduler runs as."""

    task: str
    argv: tuple[str, ...]
    when: When
    folder: Path
    configuration: Path | None = None
    writes: tuple[Path, ...] = ()
    zone: str | None = None
    user: str | None = None
    image: str = ""

    @property
    def name(self) -> str:
        """Of the timer, job or workflow."""
        return f"dbops-{self.task}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that the job is given; none is a secret."""
        found = {"DBOPS_LOG_FORMAT": "json"}
        return found | ({"DBOPS_CONFIG": str(self.configuration)} if self.configuration else {})


class File(NamedTuple):
    """A file of a schedule: where it belongs, and what is in it."""

    path: str
    content: str
