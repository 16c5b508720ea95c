"""Backups under fault: run one here or in a process of its own, break something at a chosen step, see what is left."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg

from dbops import app
from dbops.catalog import MANIFEST, Catalog, State
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.model import Manifest, Report, Verdict
from dbops.ops.backup import backup
from dbops.ops.verify import verify_selected
from dbops.progress import Progress, Silent
from dbops.store.base import Store
from dbops.store.local import LocalStore
from tests.contract.backends import keys
from tests.contract.cut_proxy import CutProxy
from tests.servers import Database
from tests.waiting import until as until

ROOT = Path(__file__).parents[2]
NAME = "shop"
DBOPS = [sys.executable, "-c", "from dbops.cli import main; main()"]
BIG = 30_000
"""Rows of `big`, about a kilobyte each: a dump of it takes long enough for something to happen meanwhile."""
DUMPING = "pg_dump-stderr"
T = TypeVar("T")


class At(Silent):
    """Does something once, at the first event that begins with `event`: a fault at a step and not at a time.

    Events are `phase NAME`, `advance`, `item NAME` and `note TEXT`; `seen` has them all. `thread`: the beginning of the
    name of the thread that must say so; `DUMPING` is the one that hears what pg_dump says.
    """

    def __init__(self, event: str, act: Callable[[], object], *, thread: str = "") -> None:
        self.seen: list[str] = []
        self.done = False
        self._event = event
        self._act = act
        self._thread = thread
        self._lock = threading.Lock()

    def phase(self, name: str, *, total_bytes: int | None = None) -> None:
        self._meet(f"phase {name}")

    def advance(self, count: int) -> None:
        self._meet("advance")

    def item(self, name: str) -> None:
        self._meet(f"item {name}")

    def note(self, text: str) -> None:
        self._meet(f"note {text}")

    def _meet(self, event: str) -> None:
        with self._lock:
            self.seen.append(event)
            here = threading.current_thread().name.startswith(self._thread)
            if self.done or not here or not event.startswith(self._event):
                return
            self.done = True
        self._act()


def target(url: str, **options: Any) -> Target:
    return Target(url=Secret(url), **{"name": NAME, **options})


def run(chosen: Target, store: Store | Path, progress: Progress | None = None) -> Manifest:
    """One backup, in this process."""
    catalog = Catalog(LocalStore(store) if isinstance(store, Path) else store)
    made = backup(app.open_engine(chosen), catalog, chosen, clock=app.now, progress=progress or Silent())
    assert isinstance(made, Manifest)
    return made


def verified(store: Store | Path, selector: str = "latest", name: str = NAME) -> Report:
    """The backup is whole: every hash, and decoded to its end."""
    catalog = Catalog(LocalStore(store) if isinstance(store, Path) else store)
    report = verify_selected(
        lambda manifest: app.archive_engine(manifest.engine.name),
        catalog,
        name,
        selector,
        jobs=2,
        progress=Silent(),
        clock=app.now,
    )
    assert report.verdict is Verdict.PASS, report
    return report


def only(store: Store | Path, *manifests: Manifest) -> None:
    """The store holds these backups, and not a byte more: no other file, no half-written one, no workspace."""
    store = LocalStore(store) if isinstance(store, Path) else store
    expected = {f"{m.target}/{m.id}/{name}" for m in manifests for name in (*(a.name for a in m.artifacts), MANIFEST)}
    if isinstance(store, LocalStore):
        files = {str(path.relative_to(store.root)) for path in store.root.rglob("*") if not path.is_dir()}
        assert {name for name in files if "/drills/" not in name} == expected
        assert not list(store.root.glob(".*"))
    assert {key for key in keys(store) if "/drills/" not in key} == expected
    assert not list(store.unfinished())
    assert {item.id for item in Catalog(store).list() if item.state is State.OK} == {m.id for m in manifests}


def sessions(database: Database) -> list[str]:
    """What is connected to the database, or works for a backup elsewhere: application and query."""
    with database.cluster.connect() as connection:
        rows = connection.execute(
            "SELECT application_name || ': ' || query FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND backend_type = 'client backend' AND (datname = %s OR application_name LIKE 'dbops%%')",
            [database.name],
        ).fetchall()
    return [row[0] for row in rows]


def no_sessions(database: Database) -> None:
    until(lambda: not sessions(database), "sessions of the backup stay behind")


def copying(database: Database, table: str = "big", *, stuck: bool = False) -> list[int]:
    """Server processes of pg_dump that read the table now; `stuck`: and wait for somebody to take what they send."""
    with database.cluster.connect() as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND state = 'active' AND query LIKE %s"
            " AND (wait_event = 'ClientWrite' OR NOT %s)",
            [database.name, f"COPY %{table} % TO stdout;", stuck],
        ).fetchall()
    return [row[0] for row in rows]


@contextmanager
def half_read(database: Database) -> Iterator[tuple[str, threading.Event]]:
    """A URL on whose way nobody reads `big` to its end before the event is set, however slow whoever waits for it."""
    with CutProxy(database.url) as proxy:
        proxy.hold = 4 << 20
        there = urlsplit(database.url)
        login = there.netloc.rpartition("@")[0]
        yield there._replace(netloc=f"{login}@{urlsplit(proxy.endpoint).netloc}").geturl(), proxy.go


def children(parent: int) -> dict[int, str]:
    """Process id -> name of the program, of all that live below a process. Quick: some of them live for a moment."""
    rows = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            before, _, after = file.read_text().rpartition(") ")
            pid, _, name = before.partition(" (")
            state, above, _ = after.split(" ", 2)
            if state != "Z":
                rows.append((int(pid), int(above), name))
    found: dict[int, str] = {}
    grown = True
    while grown:
        new = {pid: name for pid, above, name in rows if (above == parent or above in found) and pid not in found}
        found |= new
        grown = bool(new)
    return found


def programs(*names: str) -> list[int]:
    """Children of ours that run one of these programs."""
    return [pid for pid, name in children(os.getpid()).items() if name in names]


def fill(database: Database, rows: int = BIG) -> None:
    """Tables `big` and `small`, a sequence, a large object."""
    with database.connect() as connection:
        connection.execute(
            "CREATE TABLE small (id serial PRIMARY KEY, t text);"
            "INSERT INTO small (t) SELECT md5(n::text) FROM generate_series(1, 500) n;"
            "CREATE TABLE big (id int PRIMARY KEY, t text);"
            "SELECT lo_from_bytea(0, 'a large object')"
        )
        connection.execute(
            "WITH page AS MATERIALIZED (SELECT p, string_agg(md5(p::text || i::text), '') AS t"
            "                           FROM generate_series(0, 499) p, generate_series(1, 30) i GROUP BY p)"
            f" INSERT INTO big SELECT n, n || t FROM generate_series(1, {rows:d}) n JOIN page ON p = n % 500 ORDER BY n"
        )


@contextmanager
def process(*arguments: str, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """`dbops …` in a process of its own, without configuration; ended with the block."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DBOPS_", "DATABASE_", "PG"))}
    started = subprocess.Popen(
        [*DBOPS, *arguments],
        env=environment | dict(env or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


@contextmanager
def writers(database: Database, statement: str, count: int = 2) -> Iterator[Callable[[], int]]:
    """Sessions that run a statement over and over; gives how many rows they have written until now."""
    stop = threading.Event()
    written = [0] * count

    def work(number: int) -> None:
        with database.connect() as connection:
            while not stop.is_set():
                written[number] += connection.execute(statement.encode()).rowcount

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: all(written), "every writer writes")
        yield lambda: sum(written)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def one(connection: psycopg.Connection[Any], query: str, *arguments: Any) -> Any:
    """The first column of the first row."""
    row = connection.execute(query.encode(), arguments or None).fetchone()
    assert row is not None
    return row[0]
