"""`schedule`: prints, or installs, what runs a task again and again."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dbops import command
from dbops.cli import Output
from dbops.config import Config
from dbops.config.zones import zone
from dbops.errors import ConfigError, RefusedError, ToolError
from dbops.language import msg, tr, translated
from dbops.schedule import ci, crontab, kubernetes, systemd
from dbops.schedule.base import STARTS_SERVERS, File, Schedule
from dbops.schedule.when import parse
from dbops.session import Session

KINDS = ("systemd", "cron", "kubernetes", "github", "gitlab")
TASKS = {
    "backup": "daily 02:45",
    "verify": "weekly sat 05:10",
    "drill": "weekly sun 04:17",
    "check": "weekly sun 04:17",
    "prune": "daily 06:20",
}
"""What can be scheduled, and when it runs unless told otherwise."""
_MARK = "# Made by: dbops schedule"
_SECONDS = 60.0


class Request(NamedTuple):
    """The flags of `schedule`."""

    kind: str
    task: str
    target: str | None
    when: str | None
    timezone: str | None
    user: str | None
    image: str | None
    folder: str | None
    jobs: str | None
    install: bool
    yes: bool
    dry_run: bool


def run(work: Session, output: Output, request: Request) -> None:
    """Prints the files; with `install`, shows them, asks, and puts them in their place."""
    schedule = _schedule(work.config, request)
    files = _files(schedule, request.kind, list(work.config.targets))
    if not request.install:
        output.show({"files": [file._asdict() for file in files]}, _text(files))
        return
    if request.kind not in ("systemd", "cron"):
        hint = msg("print it into its file: leave out --install")
        raise ConfigError(
            msg("--install knows systemd and cron, not {kind}", kind=request.kind), hint=hint, kind="bad-flag"
        )
    steps: _SystemdSteps | _CronSteps
    steps = _SystemdSteps(schedule, files, request.folder) if request.kind == "systemd" else _CronSteps(schedule)
    steps.check()
    if not request.dry_run:
        if not request.yes:
            work.show(_text(files) + translated(steps.told))
        work.confirm(msg("Install this?"), yes=request.yes)
        steps.install()
    told = (tr("would do: ") if request.dry_run else tr("done: ")) + translated(steps.told)
    output.show(
        {"files": [file._asdict() for file in files], "installed": not request.dry_run, "did": steps.told.rstrip()},
        _text(files) + told if request.dry_run else told,
    )


def _files(schedule: Schedule, kind: str, targets: Sequence[str]) -> list[File]:
    if kind == "systemd":
        return systemd.units(schedule)
    if kind == "cron":
        return crontab.lines(schedule)
    if kind == "kubernetes":
        return kubernetes.cronjob(schedule)
    return ci.github(schedule) if kind == "github" else ci.gitlab(schedule, targets)


def _schedule(config: Config, request: Request) -> Schedule:
    if request.kind not in KINDS:
        raise ConfigError(
            msg("--kind {kind}", kind=request.kind),
            hint=msg("allowed: {kinds}", kinds=", ".join(KINDS)),
            kind="bad-flag",
        )
    if request.task not in TASKS:
        raise ConfigError(
            msg("--task {task}", task=request.task),
            hint=msg("allowed: {tasks}", tasks=", ".join(TASKS)),
            kind="bad-flag",
        )
    if request.timezone is not None:
        try:
            zone(request.timezone)
        except ValueError as error:
            raise ConfigError(msg("--timezone: {error}", error=str(error)), kind="bad-flag") from None
        if request.kind not in ("systemd", "kubernetes"):
            hint = msg("cron uses the machine's zone, GitHub and GitLab have it in their own settings")
            raise ConfigError(
                msg("--timezone does not work with {kind}", kind=request.kind), hint=hint, kind="bad-flag"
            )
    if request.kind == "kubernetes" and not request.image:
        hint = msg("an image with dbops and the client programs of your server: --image registry.example.com/dbops:17")
        raise ConfigError(msg("--kind kubernetes needs --image"), hint=hint, kind="bad-flag")
    here = config.file.absolute() if config.file is not None else None
    folder = here.parent if here is not None else Path.cwd()
    on_this_machine = request.kind in ("systemd", "cron")
    if on_this_machine and here is None:
        hint = msg("write one: dbops init; what a shell's variables say is not there when the schedule runs")
        raise ConfigError(msg("a schedule needs a dbops.toml"), hint=hint, kind="no-config")
    whom = ["--target", request.target] if request.target is not None else ["--all"]
    if request.target is not None:
        config.target(request.target)
    words = [
        *whom,
        *(["--jobs", request.jobs] if request.jobs else []),
        *(["--yes"] if request.task == "prune" else []),
    ]
    schedule = Schedule(
        task=request.task,
        argv=(*(_program() if on_this_machine else ["dbops"]), request.task, *words),
        when=parse(request.when or TASKS[request.task]),
        folder=folder,
        configuration=here,
        writes=_writes(config, request.task, folder),
        zone=request.timezone,
        user=request.user,
        image=request.image or "",
    )
    if request.kind == "systemd" and set(schedule.argv[0]) & set("'\"\\"):
        hint = msg("systemd starts no program with a quote or a backslash in its path: install dbops elsewhere")
        raise ConfigError(msg("{argv} cannot be a unit's program", argv=schedule.argv[0]), hint=hint, kind="bad-name")
    for text in (*schedule.argv, str(folder), request.user or ""):
        if not text.isprintable():
            hint = msg("such a name cannot be written in a schedule: move or rename it")
            raise ConfigError(
                msg("{name!r} has characters that cannot be printed", name=text), hint=hint, kind="bad-name"
            )
    return schedule


def _program() -> list[str]:
    """This very dbops, by its whole path: a schedule knows no PATH of a shell."""
    beside = Path(sys.executable).with_name("dbops")
    if beside.is_file():
        return [str(beside)]
    return [sys.executable, "-P", "-m", "dbops"]


def _writes(config: Config, task: str, folder: Path) -> tuple[Path, ...]:
    """What the task must be able to write on this machine."""
    found = [target.notify.metrics for target in config.targets.values()] + [config.notify.metrics]
    if config.store.url and (not config.store.url.startswith("s3:")):
        from dbops.app import open_store
        from dbops.ops.store_folder import store_folder

        found.append(store_folder(open_store(config.store)))
    if task in STARTS_SERVERS:
        found.append(folder)  # of the reports
    return tuple(dict.fromkeys(path for path in found if path is not None))


def _text(files: Sequence[File]) -> str:
    return "\n".join(f"# {file.path}\n{file.content}" for file in files) + "\n"


class _SystemdSteps:
    """Units into their folder, then systemd is told. What fails leaves no unit behind that was not there."""

    def __init__(self, schedule: Schedule, files: Sequence[File], folder: str | None) -> None:
        self._own = os.geteuid() != 0
        usual = Path.home() / ".config/systemd/user" if self._own else Path("/etc/systemd/system")
        self._folder = Path(folder).absolute() if folder else usual
        self._files = files
        self._writes = schedule.writes
        self._timer = f"{schedule.name}.timer"
        self.told = msg(
            "{files} in {folder}; {timer} enabled and started\n",
            files=", ".join(file.path for file in files),
            folder=self._folder,
            timer=self._timer,
        )

    def check(self) -> None:
        """A unit that somebody else wrote is not replaced; and one that is confined can make no folder."""
        for writes in self._writes:
            if not writes.is_dir():
                hint = msg("make it first: mkdir -p {quote}", quote=shlex.quote(str(writes)))
                raise RefusedError(
                    msg("{writes} does not exist, and the service could not make it", writes=writes),
                    hint=hint,
                    kind="no-folder",
                )
        for file in self._files:
            path = self._folder / file.path
            if path.exists() and not path.read_text(errors="replace").startswith(_MARK):
                hint = msg("it was not made by dbops: move it away first")
                raise RefusedError(msg("{path} exists and is not touched", path=path), hint=hint, kind="file-exists")

    def install(self) -> None:
        before = {file.path: self._read(file.path) for file in self._files}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for file in self._files:
                (self._folder / file.path).write_text(file.content)
            self._systemctl("daemon-reload")
            self._systemctl("enable", "--now", self._timer)
        except OSError as error:
            self._undo(before)
            hint = msg("run it as root, or as the user whose own units they shall be")
            raise ConfigError(
                msg("{folder}: {reason}", folder=self._folder, reason=error.strerror), hint=hint, kind="not-writable"
            ) from None
        except BaseException:
            self._undo(before)
            raise

    def _read(self, name: str) -> str | None:
        path = self._folder / name
        return path.read_text() if path.exists() else None

    def _undo(self, before: dict[str, str | None]) -> None:
        for name, content in before.items():
            if content is None:
                (self._folder / name).unlink(missing_ok=True)
            else:
                (self._folder / name).write_text(content)

    def _systemctl(self, *words: str) -> None:
        _told(["systemctl", *(["--user"] if self._own else []), *words])


class _CronSteps:
    """The crontab of this account, with our block in it."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.told = msg("the lines of {name} in this account's crontab\n", name=schedule.name)

    def check(self) -> None:
        if shutil.which("crontab") is None:
            hint = msg("install cron, or use --kind systemd")
            raise ToolError(msg("crontab is not installed"), hint=hint, kind="tool-missing")

    def install(self) -> None:
        listed = command.run(["crontab", "-l"], timeout=_SECONDS)
        table = listed.stdout
        if listed.status != 0:
            if "no crontab" not in listed.stderr.lower():  # anything else: what is there must not be lost
                raise ToolError(msg("the crontab cannot be read"), hint=listed.stderr, kind="tool-failed")
            table = ""
        _told(["crontab", "-"], crontab.replaced(table, self._schedule).encode())


def _told(argv: Sequence[str], given: bytes | None = None) -> None:
    result = command.run(argv, input=given, timeout=_SECONDS)
    if result.status != 0:
        status = command.describe_status(result.status)
        raise ToolError(
            msg("{argv} {status}", argv=" ".join(argv), status=status), hint=result.stderr, kind="tool-failed"
        )
