"""The actions of a soak test: each a run of the command line, killed now and then; what must hold after each."""

from __future__ import annotations

import json
import random
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

from dbops.store.local.folders import WORK_PREFIX
from tests.fault.support import children
from tests.soak import remains
from tests.soak.bank import COPY, NAME, PROMISES, Host, Writers, answer

KEEP = 3
KILLED = 0.45
"""How many of the actions are killed."""
BESIDE = 0.2
"""How many of the backups run with a prune or a verification beside them."""
INVENTORY = "DBOPS_SOAK_INVENTORY"
"""The variable that the configuration takes the level of the inventory from."""
PATIENCE = 120  # seconds until what was killed must be gone


class Ended(NamedTuple):
    """One run: `struck` says how it was killed, if it was still there to be."""

    action: str
    status: int
    out: str
    told: str
    struck: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    def __str__(self) -> str:
        lines = "\n    ".join(f"{self.told}{self.out}".strip().splitlines()[-16:])
        return f"{self.action}: status {self.status}{f', {self.struck}' if self.struck else ''}\n    {lines}"


class Ordeal:
    """Acts on one bank and its store. `violations` is what did not hold, in words; empty is good."""

    def __init__(self, host: Host, config: Path, environment: Mapping[str, str], mark: str, seed: int) -> None:
        self._host = host
        self._config = config
        self._environment = {**environment, "DBOPS_CONFIG": str(config), remains.MARK: mark, INVENTORY: "content"}
        self._mark = mark
        self._chance = random.Random(seed)
        self._writers: Writers | None = None
        self._killed = 0.0
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self.runs: Counter[str] = Counter()
        self.kills: Counter[str] = Counter()
        self.made: set[str] = set()
        self.pruned: set[str] = set()
        self.violations: list[str] = []
        self._known: set[str] = set()  # listed, and not pruned since
        self._actions: dict[str, tuple[int, Callable[[], None]]] = {
            "backup": (5, self.backup),
            "prune": (2, self.prune),
            "verify": (2, self.verify),
            "drill": (2, self.drill),
            "restore": (1, self.restore),
        }

    # -- the time of the ordeal --------------------------------------------------------------------------------------

    def endure(self, seconds: float, writers: Writers) -> None:
        """One round in peace, then random actions until the time is over."""
        self._writers, self._killed = writers, 0.0
        for act in (self.backup, self.verify, self.drill, self.prune, self.restore):
            act()
        self._killed = KILLED
        names, weights = list(self._actions), [weight for weight, _ in self._actions.values()]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            [name] = self._chance.choices(names, weights)
            self._actions[name][1]()
        self._writers, self._killed = None, 0.0

    def conclude(self) -> None:
        """Nobody writes any more, and nobody is killed: everything must be there, and nothing else."""
        made = self._whole("backup", "--json")
        self._look(made={made.document["id"]} if made.status == 0 else set())
        self._whole("prune", "--yes", "--json")
        self._look(fewer=True)
        plan = self._whole("prune", "--dry-run", "--json").document
        left = [item["name"] for item in plan["items"] if item["kind"] != "backup"]
        # A workspace of a parallel dump may be of any target, so that it is left alone for a day.
        if left := [name for name in left if not name.startswith(WORK_PREFIX)]:
            self._wrong(f"the store still has, after a prune: {left}")
        for backup in sorted(self._known):
            self._whole("verify", "--backup", backup)
        for backup in {min(self._known, default="latest"), max(self._known, default="latest")}:
            self._whole("drill", "--backup", backup)
        self._whole("restore", "--into", COPY, "--yes")
        count = "SELECT COUNT(*) FROM journal"
        if answer(self._host, COPY, count) != answer(self._host, NAME, count):
            self._wrong("the restored journal has another number of lines than the source")
        self._promises(COPY)
        self._whole("restore", "--into", COPY, "--drop-old", "--yes", status=(0, 5))  # 5: there was none
        self._gone()

    # -- actions -----------------------------------------------------------------------------------------------------

    def backup(self) -> None:
        self._environment[INVENTORY] = self._chance.choice(["content", "archive", "counts"])
        beside = None
        if self._known and self._chance.random() < BESIDE:
            argv = self._chance.choice([["prune", "--dry-run"], ["verify"]])
            beside = self._begin(*argv, "--target", NAME)
        done = self._run("backup", "--jobs", self._chance.choice(["1", "2"]), "--json")
        if beside is not None:
            out, told = beside.communicate()
            self.runs["beside a backup"] += 1
            self._expect(Ended("beside a backup", beside.returncode, out, told, ""))
        if self._expect(done):
            self._look(made={done.document["id"]})
        else:
            self._look(made=None)

    def prune(self) -> None:
        """What the plan keeps must be there afterwards, however the deletion ends."""
        plan = self._run("prune", "--dry-run", "--json", calm=True)
        if not self._expect(plan):
            return
        keeps = {item["id"] for item in plan.document["items"] if item["kind"] == "backup" and item["keep"]}
        done = self._run("prune", "--yes", "--json")
        if self._expect(done) and not done.document["frozen"]:
            self._look(fewer=True, keeps=keeps, only=keeps)
        else:
            self._look(fewer=True, keeps=keeps)

    def verify(self) -> None:
        self._expect(self._run("verify", *self._any_backup()))
        self._look()

    def drill(self) -> None:
        self._expect(self._run("drill", *self._any_backup()))
        self._look()

    def restore(self) -> None:
        done = self._run("restore", *self._any_backup(), "--into", COPY, "--yes", "--end-sessions")
        self._expect(done)
        if COPY in self._host.databases():  # killed or not: what stands under the name is whole
            self._promises(COPY)
        self._look()

    # -- what must hold ----------------------------------------------------------------------------------------------

    def _look(
        self,
        *,
        made: Set[str] | None = frozenset(),
        fewer: bool = False,
        keeps: set[str] | None = None,
        only: set[str] | None = None,
    ) -> None:
        """Compares what is listed with what was. `made` None: a killed backup may have been whole, or not."""
        listed = self._run("backups", "--json", calm=True)
        if not self._expect(listed):
            return
        now = {each["id"] for each in listed.document["backups"]}
        if damaged := [each for each in listed.document["unusable"] if each["state"] != "debris"]:
            self._wrong(f"damaged backups are listed: {damaged}")
        lost, new = self._known - now, now - self._known
        if lost and not fewer:
            self._wrong(f"lost: {sorted(lost)}")
        if keeps is not None and keeps - now:
            self._wrong(f"pruned against its plan: {sorted(keeps - now)}")
        if only is not None and now - only:
            self._wrong(f"not pruned: {sorted(now - only)}")
        if made is not None and new != made:
            self._wrong(f"new in the list: {sorted(new)}, reported: {sorted(made)}")
        if self._known and not now:
            self._wrong("no backup is left")
        self.pruned |= lost if fewer else set()
        self.made |= new
        self._known = now

    def _promises(self, database: str) -> None:
        for name, (query, value) in PROMISES.items():
            if (found := answer(self._host, database, query)) != value:
                self._wrong(f"{database}: {name}: {found} instead of {value}")

    def _expect(self, done: Ended) -> bool:
        """Whether the run went well. One that was killed may end as it likes; any other must not fail."""
        if done.status and not done.struck:
            self._wrong(str(done))
        # While Python itself starts, an interrupt ends it so: none of our code is in the way.
        if "dbops" in done.told.partition("Traceback")[2]:
            self._wrong(f"a traceback: {done}")
        return done.status == 0

    def _gone(self, *, sessions_only: bool = False) -> None:
        """Waits until nothing of ours runs, and nobody but the writers is at the server."""
        deadline = time.monotonic() + PATIENCE
        ours = self._writers.sessions if self._writers else []
        while left := [
            *([] if sessions_only else remains.living(self._mark).values()),
            *self._host.strangers(ours),
        ]:
            if time.monotonic() > deadline:
                self._wrong(f"still there {PATIENCE} s later: {left}")
                return
            time.sleep(0.05)

    def _wrong(self, text: str) -> None:
        self.violations.append(text)
        print(f"  WRONG: {text}", flush=True)

    # -- running it --------------------------------------------------------------------------------------------------

    def _any_backup(self) -> list[str]:
        """The newest, or any other."""
        if not self._known or self._chance.random() < 0.5:
            return []
        return ["--backup", self._chance.choice(sorted(self._known))]

    def _whole(self, task: str, *arguments: str, status: tuple[int, ...] = (0,)) -> Ended:
        done = self._run(task, *arguments)
        if done.status not in status:
            self._wrong(str(done))
        return done

    def _begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "dbops", *arguments],
            cwd=self._config.parent,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _run(self, task: str, *arguments: str, calm: bool = False) -> Ended:
        begun = time.monotonic()
        process = self._begin(task, *(() if task == "backups" else ("--target", NAME)), *arguments)
        struck = ""
        if not calm and self._chance.random() < self._killed:
            usual = statistics.median(self._seconds[task] or [3.0])
            try:
                out, told = process.communicate(timeout=self._chance.uniform(0, 1.1 * usual))
            except subprocess.TimeoutExpired:
                struck = self._strike(process)
                out, told = process.communicate()
        else:
            out, told = process.communicate()
        done = Ended(" ".join((task, *arguments)), process.returncode, out, told, struck)
        if task != "backups":
            self.runs[task] += 1
            self.kills[struck] += bool(struck)
            verdict = struck or ("well" if done.status == 0 else f"status {done.status}")
            print(f"{time.monotonic() - begun:7.1f} s  {done.action}: {verdict}", flush=True)
        if struck:
            # Whom a killed drill has started is swept by the next one: until then, only sessions have to be gone.
            self._gone(sessions_only=task == "drill")
        elif done.status == 0:
            self._seconds[task].append(time.monotonic() - begun)
        return done

    def _strike(self, process: subprocess.Popen[str]) -> str:
        """Ends the run in one of the ways in which runs end at night."""
        tools = list(children(process.pid))
        ways = ["SIGKILL", "SIGKILL of all", "SIGTERM", "SIGINT", *(["SIGKILL of a tool"] if tools else [])]
        way = self._chance.choice(ways)
        if way == "SIGKILL of a tool":
            remains.kill(self._chance.choice(tools))
        elif way == "SIGKILL of all":
            for pid in (process.pid, *tools):
                remains.kill(pid)
        else:
            process.send_signal(signal.Signals[way])
        return way
