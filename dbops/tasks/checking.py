"""`invoke check`: runs the shipped pytest suite, and one's own, in this process; its results become reports."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from dbops import logs
from dbops.check_fixtures import SETUP, Setup
from dbops.checking.results import Results
from dbops.cli import Output
from dbops.config import Config
from dbops.config.file import load
from dbops.errors import ConfigError, Exit
from dbops.language import msg
from dbops.model import Report
from dbops.tasks.flags import key_file
from dbops.tasks.reporting import Paths, publish
from dbops.tasks.telling import telling

OWN_FOLDER = "checks"


class Request(NamedTuple):
    """The flags of `check`. `folder`: the user's own checks; None: `./checks`, if there is one."""

    target: str | None
    url: str | None
    store: str | None
    sandbox: str | None
    folder: str | None
    paths: Paths
    identity: str | None = None


class _Configured:
    """Gives the checks what `invoke check` was told."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[SETUP] = self._setup


def check(output: Output, request: Request) -> None:
    """Runs the checks; the report's verdict decides the exit code, and 4 if a check could not be run."""
    config, identity = load(url=request.url, store=request.store, target=request.target), key_file(request.identity)
    if request.target is not None and config.targets:
        config.target(request.target)
    request.paths.prepare()
    named = [request.target] if request.target is not None else list(config.targets)
    with telling(output, config, named or [""]) as tell:
        results, status, said = _run(config, request, identity)
        if status == pytest.ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        report = _named(results.report(store=config.store.url, **request.paths.provenance()), request.target)
        could_run = status not in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)
        if could_run:
            report = tell.judged(report, results.of_targets())
        publish(output, report, results.drills(), request.paths, junit_written=True)
        if not could_run:
            logs.say("error", "pytest", said)
            output.code = Exit.OPERATION


def _run(config: Config, request: Request, identity: Path | None) -> tuple[Results, int, str]:
    """Runs pytest; what it collected, its status, and what it printed."""
    results = Results()
    setup = Setup(config, request.target, request.sandbox, request.paths.history, identity)
    folders = [checks_folder()]
    own = _own_folder(request.folder)
    if own is not None:
        folders.append(own)
    confined = folders[-1]
    options = ["-c", os.devnull, "--rootdir", str(confined), "--confcutdir", str(confined), "-p", "no:cacheprovider"]
    options += ["-p", "dbops.check_fixtures"] if own is not None else []
    options += ["-o", "junit_family=xunit2", "-o", "junit_suite_name=dbops", "--capture=sys"]
    options += [f"--junit-xml={request.paths.junit}"] if request.paths.junit else []
    said = io.StringIO()
    with redirect_stdout(said), private_files():  # the report says it better
        status = pytest.main([*options, "-q", *map(str, folders)], plugins=[_Configured(setup), results])
    return results, int(status), said.getvalue()


@contextmanager
def private_files() -> Iterator[None]:
    """Whatever is written meanwhile is for this account alone: pytest's reports quote findings."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _named(report: Report, target: str | None) -> Report:
    import msgspec

    return report if target is None else msgspec.structs.replace(report, target=target)


def checks_folder() -> Path:
    """Where the shipped suite lies."""
    return Path(__file__).parents[1] / "checks"


def _own_folder(named: str | None) -> Path | None:
    """The user's own checks beside their configuration."""
    if named is not None:
        folder = Path(named).absolute()
        if not folder.is_dir():
            hint = msg("give the folder that holds your test_*.py")
            raise ConfigError(msg("--checks {named}: no such folder", named=named), hint=hint, kind="bad-flag")
        return folder
    folder = Path(OWN_FOLDER).absolute()
    there = folder.is_dir() and any(folder.glob("test_*.py"))
    return folder if there and folder.resolve() != checks_folder().resolve() else None
