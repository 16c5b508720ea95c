"""backup: plan → preflight → lock → one snapshot → dump and inventory → publish → manifest last, read back."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import NamedTuple

import msgspec

from dbops import __version__
from dbops.catalog import SUMS, Catalog
from dbops.config import Target
from dbops.engine.base import Engine, Snapshot
from dbops.errors import BadBackupError, LockedError
from dbops.inventory.compare import outside
from dbops.inventory.take import complete, disagreements, take
from dbops.language import joined, msg
from dbops.model import (
    KEY_FILE,
    MANIFEST_FORMAT,
    Finding,
    Freshness,
    Inventory,
    Manifest,
    Method,
    Migration,
    Severity,
    ToolInfo,
)
from dbops.ops.backup_plan import Plan, plan
from dbops.ops.beside import Later, beside
from dbops.ops.output import StoreOutput
from dbops.ops.probe import preflight_key
from dbops.ops.seal import Seal, seal_for
from dbops.ops.store_folder import refuse_closed
from dbops.progress import Progress

GUIDE = "RESTORE.md"
PRUNE_SECONDS = 60
"""How long a backup waits for a prune of its target to end."""


class _Read(NamedTuple):
    """What is read from the snapshot while the dump runs."""

    inventory: Inventory
    globals_sql: str
    database_sql: str
    findings: list[Finding]
    heads: tuple[str, ...]
    newest: datetime | None


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
    `dry_run` walks the same way and returns the plan, right before the first write to the store; a folder's access
    bits stand for the probe that would be written.

    Raises `PreflightError`, `LockedError`, `DatabaseError`, `ToolError`, `StoreError`, or `BadBackupError` when the
    archive does not hold what the source held.
    """
    progress.phase("preflight")
    seal = seal_for(target)
    with _alone(engine, target.name, progress):
        started = clock()
        # Under the lock: so that the id is not given twice.
        decided = plan(engine, catalog, target, clock=clock, seal=seal)
        if dry_run:
            refuse_closed(catalog.store, target.name)
            return decided
        probe_store(catalog, target.name)
        with _published(catalog, decided, target, seal) as output:
            progress.phase("dump", total_bytes=decided.needed_bytes)
            with engine.snapshot(decided.dump) as snapshot:
                manifest = _dump(engine, decided, snapshot, output, target, progress, started)
            manifest = _with_documents(engine, manifest, output, seal)
            progress.phase("publish")
            if read_back is not False:
                output.read_back(target.jobs, local=read_back is True)
            whole = {"finished_at": clock(), "artifacts": output.artifacts(), "purpose": purpose}
            manifest = msgspec.structs.replace(manifest, **whole)
            catalog.publish(manifest)
    return manifest


@contextmanager
def _alone(engine: Engine, target: str, progress: Progress) -> Iterator[None]:
    """The target's lock. A prune that has it is waited for, `PRUNE_SECONDS` at the most; another backup is not."""
    until = time.monotonic() + PRUNE_SECONDS
    with ExitStack() as stack:
        for again in itertools.count():
            try:
                stack.enter_context(engine.lock(target))
                break
            except LockedError as error:
                if error.kind != "prune-running" or time.monotonic() > until:
                    raise
                if not again:
                    progress.note(msg("{message}: waiting for its end", message=error.message))
            time.sleep(0.5)
        yield


def probe_store(catalog: Catalog, name: str) -> None:
    """Writes, reads and deletes a small object, so that a store that refuses is met before the dump begins."""
    key = preflight_key(name)
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
    name = f"backup_{decided.id}"
    watched, positions = Later(progress), snapshot.sequences()

    def read() -> _Read:
        return _Read(
            inventory=take(snapshot, decided.level, target.jobs, watched, positions),
            globals_sql=snapshot.globals_sql(),
            database_sql=snapshot.database_sql(),
            findings=snapshot.warnings(),
            heads=snapshot.migration_heads(),
            newest=snapshot.newest(target.freshness) if target.freshness else None,
        )

    with beside(read, snapshot) as reading:
        archive = engine.dump(decided.dump, snapshot, output, name, progress, level=decided.level)
        watched.begin("inventory", sum(table.bytes for table in snapshot.tables()))
        found = reading.result()
    inventory, newest = found.inventory, found.newest
    output.put("globals.sql", found.globals_sql.encode())
    output.put("database.sql", found.database_sql.encode())
    findings = list(found.findings)
    loose = outside((finding.id, finding.subject) for finding in findings)
    wrong = disagreements(inventory, archive, loose) if decided.level != "counts" else []
    if wrong and inventory.basis == "unanchored":
        findings.append(_moved(target.name, wrong))
    elif wrong:
        raise BadBackupError(
            msg(
                "the archive does not hold what {target} held: {wrong}",
                target=target.name,
                wrong=joined("; ", wrong[:5]),
            ),
            hint=msg("nothing was published; run it again, and look for faulty memory or disks if it comes back"),
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
        method=Method(
            format=decided.dump.format,
            compression=decided.dump.compression,
            jobs=decided.dump.jobs,
            encryption="age" if decided.keys else "none",
            keys=decided.keys,
        ),
        artifacts=(),
        inventory=complete(inventory, snapshot.sequences(), archive),
        migration=Migration(heads=found.heads),
        freshness=Freshness(newest=newest or snapshot.at, basis=(target.freshness or "") if newest else "snapshot"),
        findings=tuple(findings),
    )


def _moved(subject: str, wrong: list[str]) -> Finding:
    """What cannot be told from damage where inventory and dump have no moment in common."""
    return Finding(
        id="inventory-moved",
        severity=Severity.WARNING,
        subject=subject,
        expected=msg("inventory and archive agree"),
        actual="; ".join(wrong[:5]),
        hint=msg("they are of different moments, so that a drill can prove nothing of these tables: see 'unanchored'"),
    )


@contextmanager
def _published(catalog: Catalog, decided: Plan, target: Target, seal: Seal | None) -> Iterator[StoreOutput]:
    """Where artifacts go. If the block fails, those that were already stored are removed again, best effort."""
    output = StoreOutput(
        catalog,
        decided.target,
        decided.id,
        seal.sealer if seal is not None else None,
        target.encryption.workspace if target.encryption is not None else None,
    )
    try:
        yield output
    except BaseException:
        output.remove_all()
        raise


def _with_documents(engine: Engine, manifest: Manifest, output: StoreOutput, seal: Seal | None) -> Manifest:
    """RESTORE.md and SHA256SUMS: for whoever has to restore without dbops. They are never encrypted."""
    if seal is not None and (key := seal.key_document()) is not None:
        output.put_open(KEY_FILE, key)
    whole = msgspec.structs.replace(manifest, artifacts=output.artifacts())
    output.put_open(GUIDE, engine.restore_guide(whole).encode())
    sums = "".join(f"{a.sha256}  {a.name}\n" for a in output.artifacts())
    output.put_open(SUMS, sums.encode())
    return whole
