"""Time zones that a dump names and a throw-away server lacks: a server knows only those that somebody has put into its
own tables, and a data folder is born without any.

The zone is taken from this machine's data through `zoneinfo`, which does not list its transitions: they are looked for.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import pymysql

from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.statements import statement
from dbops.language import msg
from dbops.model import Finding, Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_NAME = r"'([A-Za-z][\w+/-]{0,63})'"
_SET = re.compile(rf"\btime_zone\s*=\s*{_NAME}", re.IGNORECASE | re.ASCII)
_CALL = re.compile(r"\bconvert_tz\s*\(", re.IGNORECASE)
_TEXT = re.compile(_NAME, re.ASCII)
_FIRST, _LAST = datetime(1901, 12, 14, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
"""What the servers' own programs put in, about: seconds since 1970 in 32 bits."""
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class _Type(NamedTuple):
    """What a zone's clocks show for a while."""

    offset: int
    """Seconds ahead of UTC."""
    dst: bool
    abbreviation: str


class Transition(NamedTuple):
    """From when on another type of time (summer, winter) holds in a zone."""

    at: int
    """Seconds since 1970, of the first second of the new type."""
    type: _Type


def provide(connection: Connection, text: str) -> set[str]:
    """Makes the server know the zones that a SET or a definition names; those that it did not know. One that could not
    be made known, or that this machine does not know, shows when the statement is sent."""
    given = set()
    for name in named_in(text):
        with suppress(pymysql.MySQLError):
            if _add(connection, name):
                given.add(name)
    return given


def findings(names: Iterable[str]) -> Iterator[Finding]:
    """What whoever restores by hand must know."""
    for name in sorted(names):
        yield Finding(
            id="time-zone-given",
            severity=Severity.INFO,
            subject=name,
            expected=msg("a time zone that the server knows"),
            actual=msg("a new server knows none: it was put into the drill's own"),
            hint=msg("before a restore on a new server: mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql mysql"),
        )


def named_in(text: str) -> set[str]:
    """A session's zone; and, where CONVERT_TZ is called, whatever looks like one: that function gives NULL for a zone
    that the server does not know, and says nothing."""
    return {*_SET.findall(text), *(_TEXT.findall(text) if _CALL.search(text) else ())}


def _add(connection: Connection, name: str) -> bool:
    known = rows(connection, statement("zone_known"), {"name": name})[0][0]
    if known or (found := _zone(name)) is None:
        return False
    first, transitions = _type(found, _FIRST), list(transitions_of(found))
    types = list(dict.fromkeys([first, *(each.type for each in transitions)]))
    with connection.cursor() as cursor:
        cursor.execute(statement("zone_create"))
        zone = cursor.lastrowid
        cursor.executemany(
            statement("zone_type"),
            [(zone, number, kind.offset, int(kind.dst), kind.abbreviation[:8]) for number, kind in enumerate(types)],
        )
        cursor.executemany(
            statement("zone_transition"), [(zone, each.at, types.index(each.type)) for each in transitions]
        )
        cursor.execute(statement("zone_name"), {"name": name, "zone": zone})
    connection.commit()
    return True


def transitions_of(zone: zoneinfo.ZoneInfo) -> Iterator[Transition]:
    """Every change of a zone's clocks, found to the second. No zone has changed twice within a day."""
    at, now = _FIRST, _type(zone, _FIRST)
    while at < _LAST:
        then = _type(zone, at + _DAY)
        if then != now:
            before, after = at, at + _DAY
            while after - before > _SECOND:
                middle = before + (after - before) // 2
                middle = middle.replace(microsecond=0)
                if _type(zone, middle) == now:
                    before = middle
                else:
                    after = middle
            yield Transition(int(after.timestamp()), then)
            now = then
        at += _DAY


def _type(zone: zoneinfo.ZoneInfo, moment: datetime) -> _Type:
    local = moment.astimezone(zone)
    offset, dst = local.utcoffset() or timedelta(), local.dst() or timedelta()
    return _Type(round(offset.total_seconds()), bool(dst), local.tzname() or "")


def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    """By the name as the servers take it, who do not mind case."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones, or '../x'
        known = {each.casefold(): each for each in zoneinfo.available_timezones()}
    return zoneinfo.ZoneInfo(known[name.casefold()]) if name.casefold() in known else None
