"""A crontab line. Its command goes through a shell; before that, cron ends it at each `%` without a backslash."""

from __future__ import annotations

import shlex

from dbops.schedule.base import File, Schedule

BEGIN, END = "# begin {name}", "# end {name}"


def lines(schedule: Schedule) -> list[File]:
    """The block between its marks, by which a later `--install` finds and replaces it."""
    where = "the machine's own time zone" if schedule.zone is None else schedule.zone
    return [
        File(
            "crontab",
            f"{BEGIN.format(name=schedule.name)} (made by: dbops schedule; times are {where})\n"
            f"{schedule.when.cron()} {command(schedule)}\n"
            f"{END.format(name=schedule.name)}\n",
        )
    ]


def command(schedule: Schedule) -> str:
    """The command as it stands in a crontab."""
    environment = [f"{name}={shlex.quote(value)}" for name, value in schedule.environment.items()]
    words = ["cd", shlex.quote(str(schedule.folder)), "&&", *environment, *map(shlex.quote, schedule.argv)]
    return " ".join(words).replace("%", "\\%")


def replaced(table: str, schedule: Schedule) -> str:
    """A crontab with this schedule's block in place of its former one, or at the end; the rest stays as it is."""
    begin, end = BEGIN.format(name=schedule.name), END.format(name=schedule.name)
    kept: list[str] = []
    inside = False
    for line in table.splitlines():
        if line == begin or line.startswith(f"{begin} "):
            inside = True
        if not inside:
            kept.append(line)
        if line == end:
            inside = False
    return "".join(f"{line}\n" for line in kept) + lines(schedule)[0].content
