"""What the statements of an upgrade did to tables that were there before: locks and how long, rewrites, rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from dbops.language import msg
from dbops.migrations.runner_events import Ended, Event, Lock, RevisionApplied, Statement
from dbops.model import Finding, Severity
from dbops.ops.rehearse_facts import HeldLock, RanStatement

_BLOCKING = {
    "AccessExclusiveLock": "reads",
    "ExclusiveLock": "writes",
    "ShareRowExclusiveLock": "writes",
    "ShareLock": "writes",
}
"""The strongest first (manual of PostgreSQL, 'Explicit Locking'): what conflicts with SELECT, and with INSERT."""
_TABLES = ("r", "p", "m")
_SLOW_SECONDS = 1.0
_MANY_ROWS = 10_000
_SHOWN = 300


def shown(sql: str) -> str:
    """A statement on one line, not too long."""
    text = " ".join(sql.split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"


def ran(events: Sequence[Event], version_table: str) -> tuple[RanStatement, ...]:
    """What ran within revisions, but for Alembic's own bookkeeping."""
    return tuple(
        RanStatement(
            revision=one.revision,
            sql=shown(one.sql),
            seconds=one.seconds,
            rows=one.rows if one.rows >= 0 else None,
            rewritten=tuple(each.relation for each in one.rewritten),
            locks=tuple(f"{lock.relation} {lock.mode}" for lock in one.locks if _counts(lock)),
        )
        for one in events
        if isinstance(one, Statement) and one.revision and not _own(one, version_table)
    )


def heard(events: Sequence[Event]) -> dict[str, list[str]]:
    """The statements of each revision that came to its end, as they ran."""
    ended = {one.revision for one in events if isinstance(one, RevisionApplied)}
    found: dict[str, list[str]] = {name: [] for name in ended}
    for one in events:
        if isinstance(one, Statement) and one.revision in ended:
            found[one.revision].append(one.sql)
    return found


def held(events: Sequence[Event], version_table: str) -> tuple[HeldLock, ...]:
    """The strongest lock on each table in each transaction, until that transaction's end, the longest first."""
    found: list[HeldLock] = []
    taken: dict[str, tuple[Lock, Statement]] = {}
    last = 0.0
    for event in events:
        if isinstance(event, Statement):
            last = event.at + event.seconds
            for lock in event.locks if event.revision else ():
                if not _counts(lock) or _is_version(lock.relation, version_table):
                    continue
                old = taken.get(lock.relation)
                if old is None or _rank(lock) < _rank(old[0]):
                    taken[lock.relation] = (lock, event)
        elif isinstance(event, Ended):
            found += _ended(taken, max(event.at, last))
            taken = {}
    found += _ended(taken, last)
    return tuple(sorted(found, key=lambda one: -one.seconds))


def findings(
    events: Sequence[Event],
    locks: Sequence[HeldLock],
    place: Callable[[str], str],
    *,
    version_table: str,
    max_lock: float,
) -> Iterator[Finding]:
    """`place`: where a revision is, for the subject. `max_lock`: seconds for which a table may be blocked."""
    for lock in locks:
        if lock.seconds > max_lock:
            what = msg("neither read nor written") if lock.blocks == "reads" else msg("not written")
            yield Finding(
                id="rehearsal-lock",
                severity=Severity.WARNING,
                subject=place(lock.revision),
                expected=msg("no table blocked for more than {max_lock:g} s", max_lock=max_lock),
                actual=msg(
                    "{table} could be {what} for {seconds:.1f} s: {mode} since {sql}",
                    table=lock.table,
                    what=what,
                    seconds=lock.seconds,
                    mode=lock.mode,
                    sql=lock.sql,
                ),
                hint=msg("split the revision, use CONCURRENTLY, NOT VALID and batches, or run it in a quiet hour"),
            )
    locked: dict[str, Lock] = {}
    for event in events:
        if isinstance(event, Ended):
            locked = {}
        if not isinstance(event, Statement) or not event.revision or _own(event, version_table):
            continue
        yield from _rewrites(event, place(event.revision))
        if _changes_rows(event) and locked and (event.rows >= _MANY_ROWS or event.seconds > _SLOW_SECONDS):
            tables = ", ".join(sorted(locked))
            yield Finding(
                id="rehearsal-update-under-lock",
                severity=Severity.WARNING,
                subject=place(event.revision),
                expected=msg("rows changed in batches, outside of a transaction that blocks a table"),
                actual=msg(
                    "{rows} rows in {seconds:.1f} s while {tables} was blocked: {sql}",
                    rows=event.rows,
                    seconds=event.seconds,
                    tables=tables,
                    sql=shown(event.sql),
                ),
                hint=msg("put the change of rows into a revision of its own, in batches with their own transactions"),
            )
        locked |= {one.relation: one for one in event.locks if _counts(one) and one.mode == "AccessExclusiveLock"}


def _rewrites(event: Statement, subject: str) -> Iterator[Finding]:
    tables = [one for one in event.rewritten if one.kind in _TABLES]
    if not tables or event.sql.lstrip()[:8].lower() == "truncate":
        return
    names = ", ".join(one.relation for one in tables)
    slow = event.seconds > _SLOW_SECONDS
    yield Finding(
        id="rehearsal-rewrite",
        severity=Severity.WARNING if slow else Severity.INFO,
        subject=subject,
        expected="" if not slow else msg("no rewrite of more than {slow_seconds:g} s", slow_seconds=_SLOW_SECONDS),
        actual=msg(
            "{names} is written anew, in {seconds:.1f} s here: {sql}",
            names=names,
            seconds=event.seconds,
            sql=shown(event.sql),
        ),
        hint=msg("add a new column, fill it in batches, and swap the names") if slow else "",
    )


def _ended(taken: dict[str, tuple[Lock, Statement]], at: float) -> Iterator[HeldLock]:
    for lock, since in taken.values():
        yield HeldLock(
            table=lock.relation,
            mode=lock.mode,
            blocks=_BLOCKING[lock.mode],
            seconds=max(0.0, at - since.at),
            revision=since.revision,
            sql=shown(since.sql),
        )


def _counts(lock: Lock) -> bool:
    """On a table that others know, and one that they would wait for."""
    return lock.before and lock.kind in _TABLES and lock.mode in _BLOCKING


def _rank(lock: Lock) -> int:
    return list(_BLOCKING).index(lock.mode)


def _changes_rows(event: Statement) -> bool:
    return event.sql.lstrip()[:6].lower() in ("update", "delete", "insert")


def _own(event: Statement, version_table: str) -> bool:
    """Alembic's bookkeeping."""
    words = event.sql.split(None, 3)[:3]
    return any(_is_version(word.strip('`"'), version_table) for word in words)


def _is_version(name: str, version_table: str) -> bool:
    return name.rpartition(".")[2].strip('`"') == version_table.rpartition(".")[2]
