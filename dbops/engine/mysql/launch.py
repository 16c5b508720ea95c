"""Starts the dump program, and knows from what it says on stderr when its snapshot is open."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from dbops.command import Process, redact, running
from dbops.engine.base import DumpPlan
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.flavour import Flavour
from dbops.engine.mysql.plan import Part

# What --verbose says once START TRANSACTION WITH CONSISTENT SNAPSHOT has been answered: a SAVEPOINT is what comes next.
# A line in which a password was masked is none of these: it may end an attempt, and never opens the moment too early.
_OPEN = ("-- Setting savepoint", "-- Retrieving ")
_STRUCTURE = "-- Retrieving table structure for table "
_TABLE = re.compile(rf"^{_STRUCTURE}(.*)\.\.\.$")


class Run:
    """One run of the dump program."""

    def __init__(self, part: Part, secrets: Sequence[str] = ()) -> None:
        self.part = part
        self.process: Process
        self.tables = 0
        """Those that it has begun with until now."""
        self._structure = redact(_STRUCTURE, secrets)  # as lines come here
        self._on_item: Callable[[str], None] | None = None
        self._item = ""
        self._open = threading.Event()

    def begun(self, seconds: float = 0.0) -> bool:
        """Whether its snapshot is open, or nothing more can come of it; waits so long for the first of them."""
        return self._open.wait(seconds) or self.process.poll() is not None

    def hear(self, line: str) -> None:
        """A line of its stderr."""
        if not line.startswith("-- "):  # a warning, or the error with which it ends
            return
        if line.startswith(_OPEN):
            self._open.set()
        if line.startswith(self._structure):  # and not by a pattern: names may hold line ends
            self.tables += 1
        if match := _TABLE.match(line):
            self._item = match[1]
            if self._on_item is not None:
                self._on_item(self._item)

    def tell(self, on_item: Callable[[str], None]) -> None:
        """Tells of each table from now on, first of the one that it is at."""
        self._on_item = on_item
        if self._item:
            on_item(self._item)


class Launcher:
    """Starts the runs of one plan. They have surely ended when its context has."""

    def __init__(self, access: Access, plan: DumpPlan, login: str, fds: tuple[int, ...], stack: ExitStack) -> None:
        self._access = access
        self._plan = plan
        self._login = login
        self._fds = fds
        self._stack = stack
        self._lock = threading.Lock()

    @staticmethod
    @contextmanager
    def ready(access: Access, flavour: Flavour, plan: DumpPlan) -> Iterator[Launcher]:
        """With the file at hand from which the programs read how to connect."""
        with ExitStack() as stack:
            login, fds = stack.enter_context(access.option_file(flavour))
            yield Launcher(access, plan, login, fds, stack)

    def start(self, part: Part) -> Run:
        """Starts the dump program for a part; it ends, at the latest, with the launcher's stack."""
        program, *options = self._plan.argv
        named = part.tables if part.named else ()
        argv = [program, self._login, *options, *part.options, "--", self._access.database, *named]
        environment, secrets = self._access.environment(), self._access.secrets
        run = Run(part, secrets)
        child = running(argv, env=environment, secrets=secrets, on_line=run.hear, pass_fds=self._fds)
        with self._lock:
            run.process = self._stack.enter_context(child)
        return run
