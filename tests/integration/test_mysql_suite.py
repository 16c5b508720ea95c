"""Tables of the test suite of MariaDB round-trip, equal but for what no dump carries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.inputs import mysql_suite
from tests.inputs.missing import MissingInputError
from tests.inputs.mysql_checksums import held
from tests.mutations.bench import RunningServer, drill_on, wrong
from tests.mysql_restoring import back_up
from tests.mysql_servers import MysqlServer, installation, servers
from tests.needs import need

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        yield running


@pytest.fixture(scope="module")
def suite(server: MysqlServer) -> Iterator[str]:
    try:
        tables = mysql_suite.load(server, "suite")
    except MissingInputError as error:
        need(str(error))
    assert tables > 100
    yield "suite"
    server.drop_database("suite")


@pytest.fixture(scope="module")
def by_hand(server: MysqlServer, suite: str) -> tuple[dict[str, tuple[int, int]], dict[str, tuple[int, int]]]:
    """What the tables of the test suite hold, and what they do once the server's own programs have moved them."""
    name = "by hand"
    server.create_database(name, "CHARACTER SET latin1")
    server.script(server.dump(suite, "--default-character-set=utf8mb4"), name, "--binary-mode")
    found = held(server, suite), held(server, name)
    server.drop_database(name)
    return found


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_tables_of_the_test_suite_round_trip(
    server: MysqlServer, suite: str, by_hand: tuple[dict[str, tuple[int, int]], ...], tmp_path: Path, jobs: int
) -> None:
    """Equal but for what the server's own programs lose as well; and that is found, table by table, or was told.

    Among them are values that no dump carries: wider than their column, DOUBLE(255, 0), FLOAT, bytes of some character
    sets.
    """
    source, expected = by_hand
    lost = {table for table in source if expected[table] != source[table]}
    backed = back_up(server, suite, tmp_path, jobs=jobs, inventory="content" if jobs > 1 else "archive")
    told = {f.subject.partition(".")[0] for f in backed.manifest.findings if f.id in ("float-column", "lossy-charset")}
    copied: dict[str, tuple[int, int]] = {}
    sandbox = RunningServer(server.url, server.kind, server.version)
    report = drill_on(sandbox, backed, change=lambda name: copied.update(held(server, name)))
    assert copied == expected
    assert [finding for finding in wrong(report) if finding.id not in OF_ROWS] == []
    found = {finding.subject.partition(" ")[0] for finding in wrong(report)}
    assert found <= lost
    if jobs > 1:  # the digests of an archive are of what it holds, not of what the source does
        assert lost - found <= told
    assert len(source) > 100
    assert len(lost) < len(source) / 20


OF_ROWS = {"archive-content", "row-differs", "row-missing", "row-extra", "table-content", "rows-unreadable"}
"""Findings that name a table, or one of its rows."""
