"""When a task runs: `daily 02:45`, `weekly sun 04:17` and the like, and each scheduler's words for it."""

from __future__ import annotations

import re
from typing import NamedTuple

from dbops.errors import ConfigError
from dbops.language import msg

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_TIME = r"([01]?\d|2[0-3]):([0-5]\d)"
_HOURLY = re.compile(r"hourly(?: :([0-5]\d))?")
_DAILY = re.compile(rf"daily {_TIME}")
_WEEKLY = re.compile(rf"weekly ({'|'.join(_DAYS)}) {_TIME}")
_MONTHLY = re.compile(rf"monthly ([1-9]|1\d|2[0-8]) {_TIME}")


class When(NamedTuple):
    """`hour` None: every hour; `weekday` (0 is Sunday) and `day` (1 to 28, which every month has) None: every day."""

    minute: int
    hour: int | None = None
    weekday: int | None = None
    day: int | None = None

    def calendar(self, zone: str | None = None) -> str:
        """systemd's `OnCalendar`. `zone` None: the machine's."""
        weekday = f"{_DAYS[self.weekday].title()} " if self.weekday is not None else ""
        day = "*" if self.day is None else f"{self.day:02}"
        hour = "*" if self.hour is None else f"{self.hour:02}"
        return f"{weekday}*-*-{day} {hour}:{self.minute:02}:00{f' {zone}' if zone else ''}"

    def cron(self) -> str:
        """The five fields of a crontab."""
        hour, day, weekday = ("*" if value is None else str(value) for value in (self.hour, self.day, self.weekday))
        return f"{self.minute} {hour} {day} * {weekday}"


def parse(text: str) -> When:
    """Raises `ConfigError`, which says what is allowed."""
    plain = " ".join(text.lower().split())
    if match := _HOURLY.fullmatch(plain):
        return When(int(match[1] or 7))
    if match := _DAILY.fullmatch(plain):
        return When(int(match[2]), int(match[1]))
    if match := _WEEKLY.fullmatch(plain):
        return When(int(match[3]), int(match[2]), weekday=_DAYS.index(match[1]))
    if match := _MONTHLY.fullmatch(plain):
        return When(int(match[3]), int(match[2]), day=int(match[1]))
    hint = msg("write 'hourly :17', 'daily 02:45', 'weekly sun 04:17' or 'monthly 1 03:00' (days 1 to 28)")
    raise ConfigError(msg("--when {given!r}", given=text), hint=hint, kind="bad-flag")
