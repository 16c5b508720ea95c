"""`drill --keep`: the copy stays up after the command has ended, held by a process in the background.

The process is a fork from before the drill began: servers end with the process that has started them, so that nothing
can be left behind. It ends itself, and removes everything, on SIGTERM; a SIGKILL is made good by the next drill.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import NoReturn

from invoke.exceptions import Exit as TaskExit

from dbops.config.urls import Secret
from dbops.engine.base import Engine
from dbops.errors import Exit
from dbops.folder import temporary_folder
from dbops.ops.drill_stage import Stage

_ENDINGS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


class Held(ExitStack):
    """What is kept. `anything`: there is a copy that somebody may want to look at."""

    anything = False


def kept(task: Callable[[Held], None]) -> NoReturn:
    """Runs `task`, which prints its own result and puts what is to be kept on the stack, in a process that goes on
    holding it; raises Invoke's `Exit` with the task's code, which comes when the result is printed."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.setsid()
        _hold(task, writing)
    os.close(writing)
    raise TaskExit(code=_told(child, reading))


def _told(child: int, reading: int) -> int:
    """The code that the child tells, or that it ends with. Ctrl-C is passed on: it reaches only us."""
    while True:
        try:
            if data := os.read(reading, 1):
                return data[0]
            status = os.waitpid(child, 0)[1]
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else int(Exit.OPERATION)
        except KeyboardInterrupt:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGINT)


def _hold(task: Callable[[Held], None], writing: int) -> NoReturn:
    code: int = Exit.BUG
    try:
        with Held() as stack:
            try:
                task(stack)
                code = Exit.OK
            except TaskExit as end:
                code = end.code or 0
            sys.stdout.flush()
            sys.stderr.flush()
            signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
            os.write(writing, bytes([code]))
            _leave_terminal()
            if stack.anything:
                signal.sigwait(_ENDINGS)
    finally:
        os._exit(code)


def _leave_terminal() -> None:
    """Nobody shall wait for the end of our output."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


def hold(held: Held, drill: Stage, engine: Callable[[Secret], Engine]) -> None:
    """Runs the drill, and keeps its copy up if there is one. `engine`: that of the copy, by its URL."""
    held.enter_context(drill)
    drill.run()
    if drill.copy is None:
        drill.__exit__(None, None, None)
        return
    held.anything = True
    shell = engine(drill.copy.url).shell()
    path = held.enter_context(temporary_folder()) / "way-in.cnf"
    path.touch(0o600)  # a password belongs on no screen
    path.write_text(f"{shell.content.reveal()}\n")
    drill.stay(shell.command.replace("{file}", shlex.quote(str(path))), f"kill {os.getpid()}")
