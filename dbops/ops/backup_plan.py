"""All that is decided before a backup's first write: tool, room, rights, id. Showing it is the dry run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from dbops.catalog import Catalog
from dbops.config import Target
from dbops.config.units import format_size
from dbops.engine.base import DumpPlan, Engine, Server
from dbops.errors import ConfigError, NothingToCheckError, PreflightError, StoreError, StoreFullError
from dbops.ids import free_id
from dbops.keys.signing import SigningKey
from dbops.language import joined, msg
from dbops.model import Finding, Manifest, Severity
from dbops.ops.seal import Seal


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
    keys: tuple[str, ...] = ()
    """Who can read it, if it is encrypted."""
    signed_by: str = ""


def plan(
    engine: Engine, catalog: Catalog, target: Target, *, clock: Callable[[], datetime], seal: Seal | None = None
) -> Plan:
    """Everything that is decided before the first write. Raises `PreflightError` or `StoreFullError`."""
    signer = _signer(catalog, target)
    server = engine.server()
    dump = plan_dump(engine, server, target)
    _refuse_obstacles(engine.backup_obstacles())
    previous, taken = _looked_up(catalog, target.name)
    needed = previous.bytes if previous else server.database_bytes // 2
    result = Plan(
        id=free_id(clock(), [taken]),
        target=target.name,
        server=server,
        dump=dump,
        level=target.inventory,
        store=catalog.store.url,
        needed_bytes=needed,
        free_bytes=catalog.store.free_bytes(),
        keys=seal.ids if seal is not None else (),
        signed_by=signer.public.id if signer is not None else "",
    )
    _refuse_full(result, target.policy.min_free or 0)
    return result


def _signer(catalog: Catalog, target: Target) -> SigningKey | None:
    """What signs the backup. `ConfigError` where it would be one that is not accepted here."""
    signer, trusted = catalog.keys.signer(target.name), catalog.keys.trusted(target.name)
    if trusted and (signer is None or signer.public not in trusted):
        who = (
            msg("nothing signs it")
            if signer is None
            else msg("it would be signed by {public}", public=signer.public.id)
        )
        raise ConfigError(
            (
                msg(
                    "a backup of {target} would not be accepted here: {who}, and public_keys has {trusted}",
                    target=target.name,
                    who=who,
                    trusted=", ".join((key.id for key in trusted)),
                )
                if len(trusted) == 1
                else msg(
                    "a backup of {target} would not be accepted here: {who}, and public_keys have {trusted}",
                    target=target.name,
                    who=who,
                    trusted=", ".join((key.id for key in trusted)),
                )
            ),
            hint=msg("give the private key of one of them: targets.{target}.signing.key_file", target=target.name),
            kind="signer-untrusted",
        )
    return signer


def plan_dump(engine: Engine, server: Server, target: Target) -> DumpPlan:
    """How the target is dumped. An encrypted one goes in streams, unless its settings say where files may lie."""
    streamed = target.encryption is not None and target.encryption.workspace is None
    return engine.plan_dump(server, jobs=target.jobs, compression=target.compression, streamed=streamed)


def _refuse_obstacles(findings: list[Finding]) -> None:
    errors = [f for f in findings if f.severity is Severity.ERROR]
    if errors:
        raise PreflightError(
            msg(
                "the backup would be incomplete: {errors}",
                errors=joined("; ", (f"{f.subject}: {f.actual} ({f.expected})" for f in errors)),
            ),
            hint="; ".join(dict.fromkeys(f.hint for f in errors)),
            kind=errors[0].id,
        )


def _refuse_full(decided: Plan, min_free: int) -> None:
    if decided.free_bytes is None:
        return
    wanted = decided.needed_bytes + min_free
    if decided.free_bytes < wanted:
        raise StoreFullError(
            msg(
                "{store} has {free} free; the backup needs about {needed}{reserve}",
                store=decided.store,
                free=format_size(decided.free_bytes),
                needed=format_size(decided.needed_bytes),
                reserve=msg(", and {min_free} are to stay free", min_free=format_size(min_free)) if min_free else "",
            ),
            hint=msg("free space, or prune old backups, or lower min_free in dbops.toml")
            if min_free
            else msg("free space, or prune old backups"),
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
