"""`invoke test`: the project's own tests, in the order in which a failure is cheapest to learn."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from dbops import command
from dbops.errors import ConfigError
from dbops.language import msg

ROOT = Path(__file__).parents[2]


def run(*, fast: bool) -> int:
    """Runs each step with its output on the terminal; returns the exit status of the first that fails, or 0."""
    if not (ROOT / "tests").is_dir():
        raise ConfigError(
            msg("this is an installed dbops, without its tests"), hint=msg("run it in a checkout"), kind="no-checkout"
        )
    for argv in steps(fast=fast):
        _say(f"== {Path(argv[0]).name if len(argv) < 3 else ' '.join(argv[2:])}")
        with command.running(argv, stdout=None, cwd=ROOT, on_line=_say) as process:
            status = process.wait()
        if status != 0:
            return status if status > 0 else 1
    return 0


def steps(*, fast: bool) -> Iterator[list[str]]:
    """The command lines, all of this interpreter's environment."""
    python = sys.executable
    yield [python, "-m", "ruff", "format", "--check", "."]
    yield [python, "-m", "ruff", "check", "."]
    yield [python, "-m", "mypy"]
    yield [str(Path(python).with_name("lint-imports"))]
    selection = ["-m", "not slow"] if fast else []
    # By file, in the order of tests/conftest.py: servers that a file's tests share are started once. One more than
    # cores: tests also wait.
    spread = ["-n", str((os.cpu_count() or 1) + 1), "--dist", "loadfile", "--no-loadscope-reorder"]
    coverage = ["--cov", "--cov-branch", "--cov-report=term:skip-covered"]
    yield [python, "-m", "pytest", "-q", *spread, *coverage, *selection]


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
