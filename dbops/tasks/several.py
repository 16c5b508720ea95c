"""`--all`: a task for every target, each in a process of its own, some at a time.

A process each, so that nothing that happens to one (a crash, a full memory, a lock) can happen to the others.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dbops
from dbops import command, logs, runs
from dbops.config import Config
from dbops.config.units import format_duration, format_size
from dbops.errors import Exit, ToolError
from dbops.language import msg
from dbops.model import Finding, Severity
from dbops.ops.announce import Outcome
from dbops.ops.several import Ran
from dbops.tasks.telling import Teller

Arguments = Mapping[str, Sequence[str]]
"""Further words of the command line by target, where they are not the same for all."""


class Several:
    """The runs of the current task for several targets. `words`: what follows `--target NAME` for all of them."""

    def __init__(
        self, config: Config, targets: Sequence[str], words: Sequence[str], own: Arguments | None = None
    ) -> None:
        self._config = config
        self._targets = targets
        self._words = words
        self._own = own or {}
        self._running: set[command.Process] = set()
        self._ending = False

    def run(self, at_a_time: int) -> list[Ran]:
        """Each target's run, in the order of the targets. Ctrl-C ends them all in order."""
        with ThreadPoolExecutor(max_workers=at_a_time) as pool:
            futures = [pool.submit(self._one, target) for target in self._targets]
            try:
                return [future.result() for future in futures]
            except BaseException:
                self._ending = True
                for future in futures:
                    future.cancel()
                for process in tuple(self._running):
                    process.terminate()
                raise

    def _one(self, target: str) -> Ran:
        watch = _Watch(target)
        begun = time.monotonic()
        argv = [sys.executable, "-P", "-m", "dbops", runs.current().task, "--target", target, *self._words]
        output = b""
        try:
            with command.running(
                [*argv, *self._own.get(target, ())], env=_environment(), on_line=watch.line, ours=True
            ) as process:
                self._running.add(process)
                if self._ending:
                    process.terminate()
                output = b"".join(process.chunks())
                code = process.wait()
                self._running.discard(process)
        except ToolError as error:
            code = Exit.OPERATION
            watch.error = {"kind": error.kind, "message": error.message, "hint": error.hint}
        if code < 0:
            status = command.describe_status(code)
            watch.error = {
                "kind": "killed",
                "message": f"its process {status}",
                "hint": "out of memory? see the kernel's log",
            }
            code = Exit.OPERATION
        if watch.error is not None and watch.error["kind"] in ("killed", "tool-missing"):  # it could tell nobody itself
            Teller(self._config, [target], None).rest(Outcome(code, watch.error["message"], watch.error["hint"]))
        return Ran(target, code, time.monotonic() - begun, _document(output), watch.error, tuple(watch.warnings))


class _Watch:
    """What one run logs: passed on under the target's name, and remembered where it matters for the report."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.error: dict[str, str] | None = None
        self.warnings: list[Finding] = []

    def line(self, text: str) -> None:
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict) or "event" not in found:
            found = {"level": "info", "event": "said", "message": text}
        found["target"] = self._target
        if found["event"] == "error":
            self.error = {name: str(found.get(name, "")) for name in ("kind", "message", "hint")}
        elif found["event"] == "notify-failed":
            channel = str(found.get("channel", ""))
            warning = {"subject": channel, "actual": _without(channel, str(found.get("message", "")))}
            self.warnings.append(Finding(id="notify-failed", severity=Severity.WARNING, **warning))
        self._pass_on(found)

    def _pass_on(self, found: dict[str, Any]) -> None:
        level, event, message = (str(found.pop(name, "")) for name in ("level", "event", "message"))
        if logs.as_json():
            fields = {name: value for name, value in found.items() if name not in ("time", "run", "task")}
            logs.say(level, event, message, **fields)
        elif event == "phase-end":
            amount = msg("{found} in ", found=format_size(found["bytes"])) if found.get("bytes") else ""
            logs.say(
                level,
                event,
                msg(
                    "{target}  {message}: {amount}{found}",
                    target=self._target,
                    message=message,
                    amount=amount,
                    found=format_duration(found.get("seconds", 0.0)),
                ),
            )
        elif event not in ("phase-start", "progress", "error"):
            logs.say(level, event, msg("{target}  {message}", target=self._target, message=message))


def _without(channel: str, message: str) -> str:
    """A line of the log begins with its channel; a finding has it as its subject."""
    return message.removeprefix(f"{channel}: ")


def _environment() -> dict[str, str]:
    """Of each run: it logs JSON to us, belongs to our run, and finds this very dbops."""
    path = os.pathsep.join(filter(None, [str(Path(dbops.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]))
    ours = {runs.FORMAT_VARIABLE: "json", runs.ID_VARIABLE: runs.current().id, "PYTHONPATH": path}
    return {**os.environ, **ours}


def _document(output: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(output)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "error" not in found else None
