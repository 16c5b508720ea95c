"""doctor: everything that a backup needs, tried in turn; each line says what was found, or what to do."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from dbops import __version__
from dbops.config import Target
from dbops.config.units import format_duration, format_size
from dbops.engine.base import Engine, Server
from dbops.errors import DbopsError, StoreError
from dbops.language import msg
from dbops.model import Finding, NotEvaluated, Report, Severity, judge
from dbops.notify.base import Channel
from dbops.ops.announce import tried
from dbops.ops.backup_plan import plan_dump
from dbops.ops.doctor_keys import key_steps
from dbops.ops.probe import doctor_key
from dbops.ops.store_folder import nearest, store_folder, takes_files
from dbops.progress import Progress
from dbops.store.base import Store

SKEW_SECONDS = 5.0
_PROBE = b"dbops doctor wrote this and deletes it again\n" * 64


def doctor(
    target: Target | None,
    open_engine: Callable[[Target], Engine],
    open_store: Callable[[], Store],
    *,
    clock: Callable[[], datetime],
    progress: Progress,
    warnings: tuple[Finding, ...] = (),
    channels: Sequence[Channel] | None = None,
) -> Report:
    """Tries it all and goes on after a failure. `warnings` are findings about files of the configuration. `channels`
    are sent a test each; None: they are left alone."""
    begun = time.monotonic()
    findings: list[Finding] = []
    not_evaluated: list[NotEvaluated] = []
    progress.phase("store")
    findings += _guarded("store", "store", lambda: _store(open_store(), target))
    findings += _temporary()
    if target is None:
        reason = msg("no database is configured: give --url, or write dbops.toml")
        not_evaluated.append(NotEvaluated(id="database", reason=reason))
    else:
        progress.phase("database")
        findings += _guarded("database", target.name, lambda: database_findings(open_engine(target), target, clock))
        for kind, step in key_steps(target):
            findings += _guarded(kind, f"targets.{target.name}.{kind}", step)
    if channels is not None:
        progress.phase("notify")
        findings += tried(channels, target.name if target else "", clock)
    findings += warnings or [_good("secret-file-mode", msg("files with passwords"), msg("none is readable by others"))]
    return Report(
        task="doctor",
        target=target.name if target else "",
        verdict=judge(findings),
        findings=tuple(findings),
        phases={"doctor": time.monotonic() - begun},
        not_evaluated=tuple(not_evaluated),
        provenance={"dbops_version": __version__},
    )


def _guarded(kind: str, subject: str, step: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A step's findings; what stops it is one more."""
    try:
        yield from step()
    except DbopsError as error:
        yield Finding(
            id=error.kind if error.kind.partition("-")[0] == kind else f"{kind}-{error.kind}",
            severity=Severity.ERROR,
            subject=subject,
            actual=error.message,
            hint=error.hint,
        )


def _good(kind: str, subject: str, actual: str) -> Finding:
    return Finding(id=kind, severity=Severity.INFO, subject=subject, actual=actual)


def database_findings(engine: Engine, target: Target, clock: Callable[[], datetime]) -> Iterator[Finding]:
    """What a backup needs of the source: it answers (else `DatabaseError`); ids that begin with `tool` and `clock` are
    about the dump program and the clock, the others about rights."""
    server = engine.server()
    size = format_size(server.database_bytes)
    yield _good(
        "server",
        server.host,
        msg(
            "{info} {server_version}, {database}, {size}",
            info=server.info.name,
            server_version=server.info.server_version,
            database=server.info.database,
            size=size,
        ),
    )
    yield from _guarded("tool", msg("dump program"), lambda: _tool(engine, server, target))
    obstacles = engine.backup_obstacles()
    yield from obstacles
    if obstacles:  # the clock is read in a snapshot, which needs the same rights
        yield _good("clock", "clock", msg("not read: the role lacks the rights above"))
        return
    yield _good("privileges", server.info.role or msg("the role"), msg("can read all that a backup needs"))
    yield from _guarded("clock", "clock", lambda: _clock(engine, clock))


def _tool(engine: Engine, server: Server, target: Target) -> Iterator[Finding]:
    plan = plan_dump(engine, server, target)
    yield _good(
        "tool",
        plan.program,
        msg(
            "{version}, {format} format, compression {compression}",
            version=plan.version,
            format=plan.format,
            compression=plan.compression,
        ),
    )


def _clock(engine: Engine, clock: Callable[[], datetime]) -> Iterator[Finding]:
    """The server's clock against ours, as far as one round trip can tell."""
    before = clock()
    with engine.snapshot() as snapshot:
        at = snapshot.at
    after = clock()
    skew = max((before - at).total_seconds(), (at - after).total_seconds(), 0.0)
    if skew <= SKEW_SECONDS:
        yield _good("clock", "clock", msg("server and this machine agree"))
        return
    yield Finding(
        id="clock-skew",
        severity=Severity.WARNING,
        subject="clock",
        expected=msg("at most {skew_seconds:g} s apart", skew_seconds=SKEW_SECONDS),
        actual=msg("server and this machine differ by {skew}", skew=format_duration(skew)),
        hint=msg("ages of backups will be wrong: synchronise both clocks (chrony, systemd-timesyncd)"),
    )


def _missing_folder(store: Store) -> Iterator[Finding]:
    """About the folder of a local store that is not there: a typing error must not make it."""
    folder = store_folder(store)
    if folder is None or os.path.lexists(folder):
        return
    above = nearest(folder)
    writable = takes_files(above)
    yield Finding(
        id="store-missing",
        severity=Severity.WARNING if writable else Severity.ERROR,
        subject=store.url,
        actual=msg("does not exist yet: the first backup makes it")
        if writable
        else msg("cannot be made: {above} is closed", above=above),
        hint=msg("is the URL right? is the disk mounted?")
        if writable
        else msg("let this user write in {above}", above=above),
    )


def _store(store: Store, target: Target | None) -> Iterator[Finding]:
    if missing := list(_missing_folder(store)):
        yield from missing
        yield from room_findings(store, target)
        return
    key = doctor_key(target.name if target else None)
    try:
        store.put(key, _PROBE)
        same = b"".join(store.read(key)) == _PROBE
    except BaseException:
        with suppress(StoreError):  # the first error is the one to tell
            store.delete(key)
        raise
    store.delete(key)
    if not same:
        yield Finding(
            id="store-read-back",
            severity=Severity.ERROR,
            subject=store.url,
            expected=msg("what was written"),
            actual=msg("other bytes"),
            hint=msg("this store changes what it is given: do not use it; for S3 try checksums = 'when_required'"),
        )
        return
    if any(entry.key == key for entry in store.list(key)):
        yield Finding(
            id="store-delete",
            severity=Severity.WARNING,
            subject=store.url,
            expected=msg("deleted"),
            actual=msg("{key} is still listed", key=key),
            hint=msg("'dbops prune' cannot clean up here: give the right to delete"),
        )
        return
    yield _good("store", store.url, msg("write, read, list and delete work"))
    yield from room_findings(store, target)


def room_findings(store: Store, target: Target | None) -> Iterator[Finding]:
    """Whether the store has the room that the policy wants; nothing where a store does not say."""
    free = store.free_bytes()
    wanted = target.policy.min_free if target else None
    if free is None:
        return
    if wanted is not None and free < wanted:
        yield Finding(
            id="store-room",
            severity=Severity.ERROR,
            subject=store.url,
            expected=msg("{wanted} free (policy.min_free)", wanted=format_size(wanted)),
            actual=msg("{free} free", free=format_size(free)),
            hint=msg("make room (what 'dbops prune' deletes may be enough), or lower min_free"),
        )
    else:
        yield _good("store-room", store.url, msg("{free} free", free=format_size(free)))


def _temporary() -> Iterator[Finding]:
    folder = tempfile.gettempdir()
    yield _good("temporary-room", folder, msg("{free} free", free=format_size(shutil.disk_usage(folder).free)))
