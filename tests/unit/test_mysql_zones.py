"""Time zones for a server that has none: which a dump names, and when their clocks change."""

from __future__ import annotations

import itertools
import zoneinfo
from datetime import UTC, datetime

import pytest

from dbops.engine.mysql.zones import named_in, transitions_of


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("/*!50003 SET time_zone             = 'Europe/Madrid' */", {"Europe/Madrid"}),
        ("SET @saved = @@time_zone, time_zone='EST5EDT'", {"EST5EDT"}),
        ("/*!40103 SET TIME_ZONE='+00:00' */", set()),
        ("SET time_zone = 'x'';DROP'", {"x"}),
        ("CREATE VIEW v AS SELECT CONVERT_TZ(at, 'UTC', 'Asia/Tokyo') FROM t", {"UTC", "Asia/Tokyo"}),
        ("CREATE VIEW v AS SELECT 'Asia/Tokyo' AS zone", set()),
        ("SELECT convert_tz (at, '+00:00', '../../etc/passwd')", set()),
    ],
)
def test_names_of_zones_in_a_statement(text: str, names: set[str]) -> None:
    assert named_in(text) == names


@pytest.mark.parametrize("name", ["Europe/Madrid", "America/St_Johns", "Africa/Casablanca", "Pacific/Apia"])
def test_between_two_changes_nothing_changes(name: str) -> None:
    zone = zoneinfo.ZoneInfo(name)

    def offset(second: int) -> float | None:
        ahead = datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset()
        return None if ahead is None else ahead.total_seconds()

    found = list(transitions_of(zone))
    for each, following in itertools.pairwise(found):
        assert offset(each.at) == offset(following.at - 1) == each.type.offset
    if name == "Europe/Madrid":
        spring = int(datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp())
        assert (spring, (7200, True, "CEST")) in found


def test_a_zone_whose_clocks_never_change() -> None:
    assert list(transitions_of(zoneinfo.ZoneInfo("UTC"))) == []
