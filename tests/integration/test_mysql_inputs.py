"""Databases that nobody here wrote round-trip, equal: Sakila and Zabbix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.model import Verdict
from dbops.ops.verify import verify
from dbops.progress import Silent
from tests.inputs.missing import MissingInputError
from tests.inputs.mysql_checksums import held
from tests.inputs.sakila import SAMPLES
from tests.mutations.bench import RunningServer, drill_on, wrong
from tests.mysql_restoring import Backed, back_up, errors, run_restore
from tests.mysql_servers import MysqlServer, installation, servers
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


def checked(backed: Backed, jobs: int) -> Backed:
    engine = app.open_engine(backed.target)
    report = verify(engine, backed.catalog, backed.manifest, jobs=jobs, progress=Silent(), clock=app.now)
    assert report.verdict is Verdict.PASS, report.findings
    return backed


@pytest.mark.parametrize("jobs", [1, 2])
def test_sample_database_round_trips(server: MysqlServer, sample: str, tmp_path: Path, jobs: int) -> None:
    """With one job through a drill, with two through a restore under another name."""
    backed = checked(back_up(server, sample, tmp_path, jobs=jobs, inventory="content"), jobs)
    assert backed.manifest.rows > 1000
    if sample.endswith("sakila"):
        kinds = {kind: len(found) for kind, found in backed.manifest.inventory.objects.items()}
        assert (kinds["view"], kinds["routine"], kinds["trigger"]) == (7, 6, 6)
    copied: dict[str, tuple[int, int]] = {}
    if jobs == 1:
        sandbox = RunningServer(server.url, server.kind, server.version)
        report = drill_on(sandbox, backed, change=lambda name: copied.update(held(server, name)))
        assert (wrong(report), report.verdict) == ([], Verdict.PASS)
    else:
        copy = f"copy of {sample}"
        try:
            report = run_restore(backed, into=copy)
            assert (errors(report), report.verdict) == ([], Verdict.PASS)
            copied = held(server, copy)
        finally:
            server.drop_database(copy)
    assert copied == held(server, sample)
