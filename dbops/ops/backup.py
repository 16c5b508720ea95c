"""backup: plan → preflight → lock → one snapshot → dump and inventory → publish → manifest last, read back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from dbops import __version__
from dbops.catalog import Catalog
from dbops.config import Target
from dbops.engine.base import DumpPlan, Engine, Server, Snapshot
from dbops.errors import BadBackupError, NothingToCheckError, PreflightError, StoreError, StoreFullError
from dbops.inventory.take import complete, disagreements, take
from dbops.model import (
    MANIFEST_FORMAT,
    Finding,
    Freshness,
    Inventory,
    Manifest,
    Method,
    Migration,
    Severity,
    ToolInfo,
    backup_id,
)
from dbops.ops.fetch import SUMS
from dbops.ops.output import StoreOutput
from dbops.progress import Progress

GUIDE = "RESTORE.md"


class Plan(NamedTuple):
    """What a backup will do; the dry run ends with it."""

    id: str
    target: str
    server: Server
    dump: DumpPlan
    level: str
    store: str
    needed_bytes: int
    """Estimated size of the backup: the last one's, or half the database's."""
    free_bytes: int | None


class _Beside(NamedTuple):
    """What is read from the snapshot while the dump runs."""

    inventory: Inventory
    globals_sql: str
    database_sql: str
    findings: list[Finding]
    heads: tuple[str, ...]
    newest: datetime | None


def plan(engine: Engine, catalog: Catalog, target: Target, *, clock: Callable[[], datetime]) -> Plan:
    """Everything that is decided before the first write. Raises `PreflightError` or `StoreFullError`."""
    server = engine.server()
    dump = engine.plan_dump(server, jobs=target.jobs, compression=target.compression)
    _refuse_obstacles(engine.backup_obstacles())
    previous, taken = _looked_up(catalog, target.name)
    needed = previous.bytes if previous else server.database_bytes // 2
    result = Plan(
        id=_free_id(clock(), taken),
        target=target.name,
        server=server,
        dump=dump,
        level=target.inventory,
        store=catalog.store.url,
        needed_bytes=needed,
        free_bytes=catalog.store.free_bytes(),
    )
    _refuse_full(result, target.policy.min_free or 0)
    return result


def backup(
    engine: Engine,
    catalog: Catalog,
    target: Target,
    *,
    clock: Callable[[], datetime],
    progress: Progress,
    read_back: bool | None = None,
    purpose: str = "routine",
    dry_run: bool = False,
) -> Manifest | Plan:
    """Makes one backup and returns its manifest. On any failure nothing is listed, and what was written is removed.

    `read_back`: read every artifact from the store again before the manifest is written; None: if the store is remote.
    `dry_run` walks the same way and returns the plan, right before the first write to the store.

    Raises `PreflightError`, `LockedError`, `DatabaseError`, `ToolError`, `StoreError`, or `BadBackupError` when the
    archive does not hold what the source held.
    """
    progress.phase("preflight")
    with engine.lock(target.name):
        started = clock()
        # Under the lock: so that the id is not given twice.
        decided = plan(engine, catalog, target, clock=clock)
        if dry_run:
            return decided
        probe_store(catalog, target.name)
        with _published(catalog, decided) as output:
            progress.phase("dump", total_bytes=decided.needed_bytes)
            with engine.snapshot() as snapshot:
                manifest = _dump(engine, decided, snapshot, output, target, progress, started)
            manifest = _with_documents(engine, manifest, output)
            progress.phase("publish")
            if read_back is not False:
                output.read_back(target.jobs, local=read_back is True)
            whole = {"finished_at": clock(), "artifacts": output.artifacts(), "purpose": purpose}
            manifest = msgspec.structs.replace(manifest, **whole)
            catalog.publish(manifest)
    return manifest


def probe_store(catalog: Catalog, name: str) -> None:
    """Writes, reads and deletes a small object, so that a store that refuses is met before the dump begins."""
    key = f"{name}/.probe"
    catalog.store.put(key, b"dbops")
    b"".join(catalog.store.read(key))
    catalog.store.delete(key)


def _dump(
    engine: Engine,
    decided: Plan,
    snapshot: Snapshot,
    output: StoreOutput,
    target: Target,
    progress: Progress,
    started: datetime,
) -> Manifest:
    """Dump and inventory side by side in one snapshot. The manifest still lacks what is known only after it."""
    decode = decided.level != "counts"
    name = f"backup_{decided.id}"
    watched, positions = _Later(progress), snapshot.sequences()

    def read() -> _Beside:
        return _Beside(
            inventory=take(snapshot, decided.level, target.jobs, watched, positions),
            globals_sql=snapshot.globals_sql(),
            database_sql=snapshot.database_sql(),
            findings=snapshot.warnings(),
            heads=snapshot.migration_heads(),
            newest=snapshot.newest(target.freshness) if target.freshness else None,
        )

    with _beside(read, snapshot) as reading:
        archive = engine.dump(decided.dump, snapshot, output, name, progress, decode=decode)
        watched.begin("inventory", sum(table.bytes for table in snapshot.tables()))
        found = reading.result()
    inventory, newest = found.inventory, found.newest
    output.put("globals.sql", found.globals_sql.encode())
    output.put("database.sql", found.database_sql.encode())
    if decode and (wrong := disagreements(inventory, archive)):
        raise BadBackupError(
            f"the archive does not hold what {target.name} held: " + "; ".join(wrong[:5]),
            hint="nothing was published; run it again, and look for faulty memory or disks if it comes back",
            kind="archive-differs",
        )
    return Manifest(
        format=MANIFEST_FORMAT,
        id=decided.id,
        target=target.name,
        started_at=started,
        snapshot_at=snapshot.at,
        finished_at=started,
        dbops_version=__version__,
        engine=decided.server.info,
        tool=ToolInfo(name=decided.dump.program, version=decided.dump.version, argv=decided.dump.argv),
        method=Method(format=decided.dump.format, compression=decided.dump.compression, jobs=decided.dump.jobs),
        artifacts=(),
        inventory=complete(inventory, snapshot.sequences(), archive),
        migration=Migration(heads=found.heads),
        freshness=Freshness(newest=newest or snapshot.at, basis=(target.freshness or "") if newest else "snapshot"),
        findings=tuple(found.findings),
    )


class _Later:
    """Progress of work that goes on beside a dump: kept to itself until the dump has ended, then shown."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._done = 0
        self._shown = False

    def begin(self, name: str, total_bytes: int) -> None:
        self._shown = True
        self._progress.phase(name, total_bytes=max(0, total_bytes - self._done))

    def phase(self, name: str, *, total_bytes: int | None = None) -> None:
        """Its phase is begun by `begin`."""

    def advance(self, count: int) -> None:
        if self._shown:
            self._progress.advance(count)
        else:
            self._done += count

    def item(self, name: str) -> None:
        if self._shown:
            self._progress.item(name)

    def note(self, text: str) -> None:
        self._progress.note(text)


@contextmanager
def _beside(work: Callable[[], _Beside], snapshot: Snapshot) -> Iterator[Future[_Beside]]:
    """Runs `work` in a thread beside the block. If either fails, the other's sessions are ended and not waited for."""
    failed = threading.Event()
    causes: list[BaseException] = []

    def guarded() -> _Beside:
        try:
            return work()
        except BaseException as error:
            if not failed.is_set():
                causes.append(error)  # before what it brings about can be seen
                snapshot.cancel()  # the dump, too, ends at once
            raise

    with ThreadPoolExecutor(1, thread_name_prefix="inventory") as pool:
        future = pool.submit(guarded)
        try:
            yield future
        except BaseException as error:
            failed.set()
            if causes and isinstance(error, Exception):
                raise causes[0] from None
            snapshot.cancel()
            raise


@contextmanager
def _published(catalog: Catalog, decided: Plan) -> Iterator[StoreOutput]:
    """Where artifacts go. If the block fails, those that were already stored are removed again, best effort."""
    output = StoreOutput(catalog, decided.target, decided.id)
    try:
        yield output
    except BaseException:
        output.remove_all()
        raise


def _with_documents(engine: Engine, manifest: Manifest, output: StoreOutput) -> Manifest:
    """RESTORE.md and SHA256SUMS: for whoever has to restore without dbops."""
    whole = msgspec.structs.replace(manifest, artifacts=output.artifacts())
    output.put(GUIDE, engine.restore_guide(whole).encode())
    sums = "".join(f"{a.sha256}  {a.name}\n" for a in output.artifacts())
    output.put(SUMS, sums.encode())
    return whole


def _refuse_obstacles(findings: list[Finding]) -> None:
    errors = [f for f in findings if f.severity is Severity.ERROR]
    if errors:
        raise PreflightError(
            "the backup would be incomplete: " + "; ".join(f"{f.subject}: {f.actual} ({f.expected})" for f in errors),
            hint="; ".join(dict.fromkeys(f.hint for f in errors)),
            kind=errors[0].id,
        )


def _refuse_full(decided: Plan, min_free: int) -> None:
    if decided.free_bytes is None:
        return
    wanted = decided.needed_bytes + min_free
    if decided.free_bytes < wanted:
        raise StoreFullError(
            f"{decided.store} has {decided.free_bytes} bytes free; the backup needs about {decided.needed_bytes}"
            + (f", and {min_free} are to stay free" if min_free else ""),
            hint="free space, prune old backups, or lower min_free in dbops.toml",
            kind="no-space",
        )


def _looked_up(catalog: Catalog, name: str) -> tuple[Manifest | None, str]:
    """The newest usable backup, and the newest id that is taken, be it by debris."""
    try:
        taken = catalog.newest_folder(name)
        return (catalog.latest(name) if taken else None), taken
    except NothingToCheckError:
        return None, taken
    except StoreError as error:
        if error.kind == "not-found":  # a folder that the first backup makes
            return None, ""
        raise


def _free_id(now: datetime, taken: str) -> str:
    """An id later than every one that is taken, even if two are made in one second or the clock was set back."""
    made = backup_id(now)
    if made > taken:
        return made
    then = datetime.strptime(taken + "+0000", "%Y%m%dT%H%M%SZ%z")
    return backup_id(then + timedelta(seconds=1))
