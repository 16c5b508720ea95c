"""All that is decided before a backup's first write: tool, room, rights, id. Showing it is the dry run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from dbops.catalog import Catalog
from dbops.config import Target
from dbops.engine.base import DumpPlan, Engine, Server
from dbops.errors import NothingToCheckError, PreflightError, StoreError, StoreFullError
from dbops.model import Finding, Manifest, Severity, backup_id


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
