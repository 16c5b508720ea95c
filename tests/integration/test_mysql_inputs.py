"""Databases that nobody here wrote round-trip, equal: Sakila, Zabbix, and tables of the test suite of MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.model import Report, Verdict
from dbops.ops.verify import verify
from dbops.progress import Silent
from tests.inputs import mysql_suite
from tests.inputs.missing import MissingInputError
from tests.inputs.sakila import SAMPLES
from tests.mutations.bench import RunningServer, drill_on, wrong
from tests.mysql_restoring import Backed, back_up, errors, run_restore
from tests.mysql_servers import MysqlServer, installation, quoted, servers
from tests.needs import need

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        yield running


@pytest.fixture(scope="module", params=sorted(SAMPLES))
def sample(request: pytest.FixtureRequest, server: MysqlServer) -> Iterator[str]:
    name = f"sample {request.param}"
    try:
        SAMPLES[request.param](server, name)
    except MissingInputError as error:
        need(str(error))
    yield name
    server.drop_database(name)


@pytest.fixture(scope="module")
def suite(server: MysqlServer) -> Iterator[str]:
    try:
        tables = mysql_suite.load(server, "suite")
    except MissingInputError as error:
        need(str(error))
    assert tables > 100
    yield "suite"
    server.drop_database("suite")


def held(server: MysqlServer, name: str) -> dict[str, tuple[int, int]]:
    """Table -> its rows, and the server's own checksum of them: nothing of the product's own."""
    query = f"SHOW FULL TABLES FROM {quoted(name)} WHERE Table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"
    found = {}
    for table, _ in server.execute(query):
        where = f"{quoted(name)}.{quoted(table)}"
        ((_, checksum),) = server.execute(f"CHECKSUM TABLE {where}")
        ((rows,),) = server.execute(f"SELECT COUNT(*) FROM {where}")
        found[table] = (rows, checksum)
    return found


def round_trip(
    server: MysqlServer, name: str, store: Path, jobs: int
) -> tuple[Backed, Report, dict[str, tuple[int, int]]]:
    """Backs a database up, verifies the backup, restores it under another name; what the copy then holds."""
    backed = back_up(server, name, store, jobs=jobs, inventory="content")
    checked = verify(
        app.open_engine(backed.target), backed.catalog, backed.manifest, jobs=jobs, progress=Silent(), clock=app.now
    )
    assert checked.verdict is Verdict.PASS, checked.findings
    copy = f"copy of {name}"
    try:
        report = run_restore(backed, into=copy)
        return backed, report, held(server, copy) if report.provenance.get("database") == copy else {}
    finally:
        server.drop_database(copy)


@pytest.mark.parametrize("jobs", [1, 2])
def test_sample_database_round_trips(server: MysqlServer, sample: str, tmp_path: Path, jobs: int) -> None:
    backed, report, copied = round_trip(server, sample, tmp_path, jobs)
    assert (errors(report), report.verdict) == ([], Verdict.PASS)
    assert copied == held(server, sample)
    assert backed.manifest.rows > 1000
    if sample.endswith("sakila"):
        kinds = {kind: len(found) for kind, found in backed.manifest.inventory.objects.items()}
        assert (kinds["view"], kinds["routine"], kinds["trigger"]) == (7, 6, 6)
    drilled = drill_on(RunningServer(server.url, server.kind, server.version), backed)
    assert (wrong(drilled), drilled.verdict) == ([], Verdict.PASS)


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_tables_of_the_test_suite_round_trip(server: MysqlServer, suite: str, tmp_path: Path, jobs: int) -> None:
    """Equal but for what the server's own programs lose as well; and that is found, table by table, or was told.

    Among them are values that no dump carries: wider than their column, DOUBLE(255, 0), FLOAT, bytes of some character
    sets.
    """
    source = held(server, suite)
    by_hand = "by hand"
    server.create_database(by_hand, "CHARACTER SET latin1")
    server.script(server.dump(suite, "--default-character-set=utf8mb4"), by_hand, "--binary-mode")
    expected = held(server, by_hand)
    server.drop_database(by_hand)
    lost = {table for table in source if expected[table] != source[table]}
    backed = back_up(server, suite, tmp_path, jobs=jobs, inventory="content")
    told = {f.subject.partition(".")[0] for f in backed.manifest.findings if f.id in ("float-column", "lossy-charset")}
    copied: dict[str, tuple[int, int]] = {}
    sandbox = RunningServer(server.url, server.kind, server.version)
    report = drill_on(sandbox, backed, change=lambda name: copied.update(held(server, name)))
    assert copied == expected
    errors = [finding for finding in wrong(report) if finding.id not in OF_ROWS]
    assert errors == []
    found = {finding.subject.partition(" ")[0] for finding in wrong(report)}
    assert found <= lost
    assert lost - found <= told
    assert len(source) > 100
    assert len(lost) < len(source) / 20


OF_ROWS = {"archive-content", "row-differs", "row-missing", "row-extra", "table-content", "rows-unreadable"}
"""Findings that name a table, or one of its rows."""
