"""Faults 'The drill itself' on MySQL and MariaDB: every mutation of a good backup turns the drill red, which names
what was mutated. B11: what a dump program cannot carry is told, and is no corruption.

The table of all of them: python -m tests.mutations mysql9.7
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.model import Failure, Verdict
from tests.mutations.bench import RunningServer, drill_on, naming, wrong
from tests.mutations.mutation import Benign, Mutation, Stored
from tests.mutations.mysql.benign import BENIGN
from tests.mutations.mysql.cases import MUTATIONS
from tests.mutations.mysql.stored import STORED
from tests.mutations.mysql.workshop import SETTINGS, Workshop
from tests.mysql_restoring import Backed
from tests.mysql_servers import MysqlServer, installation, servers


@pytest.fixture(scope="module", params=servers())
def workshop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with MysqlServer(installation(request.param), settings=SETTINGS) as server:
        yield Workshop(server, Path(tmp_path_factory.mktemp("workshop")))


@pytest.fixture(scope="module")
def good(workshop: Workshop) -> Backed:
    return workshop.backup()


def _of(workshop: Workshop, mutation: Mutation) -> Mutation:
    name = workshop.server.installation.name
    if not name.startswith(mutation.only):
        pytest.skip(f"{name} has no such thing")
    return mutation


@pytest.mark.parametrize("mutation", [each for each in MUTATIONS if not each.copy_only], ids=lambda each: each.name)
def test_a_mutated_backup_is_found_and_named(workshop: Workshop, good: Backed, mutation: Mutation) -> None:
    report = workshop.drill(workshop.mutated(good, _of(workshop, mutation).script))
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP)
    assert naming(report, mutation.table), wrong(report)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_a_copy_that_went_wrong_is_found_and_its_rows_named(
    workshop: Workshop, good: Backed, mutation: Mutation
) -> None:
    report = workshop.drill_mutated_copy(good, _of(workshop, mutation).script)
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP)
    assert naming(report, mutation.named), wrong(report)


@pytest.mark.parametrize("stored", STORED, ids=lambda each: each.name)
def test_a_store_that_was_changed_is_found_and_named(workshop: Workshop, stored: Stored[Workshop, Backed]) -> None:
    report = workshop.drill(stored.change(workshop, workshop.backup()))
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP)
    assert naming(report, stored.named), wrong(report)


@pytest.mark.parametrize("benign", BENIGN, ids=lambda each: each.name)
def test_what_is_right_stays_green(workshop: Workshop, benign: Benign[Workshop]) -> None:
    report = benign.drill(workshop)
    assert (report.verdict, wrong(report)) == (Verdict.PASS, [])


def test_digits_that_no_dump_prints_are_a_limit_that_is_told(workshop: Workshop) -> None:
    """B11."""
    report = workshop.drill(workshop.backup("UPDATE kinds SET f = 5592405.5 WHERE id = 2"))
    assert (report.verdict, wrong(report)) == (Verdict.PASS, [])
    (told,) = [finding for finding in report.findings if finding.id == "float-column"]
    assert told.subject == "kinds.f"


def test_an_event_that_could_act_at_once_is_not_enabled_and_that_is_said(workshop: Workshop, good: Backed) -> None:
    """R08: on a server that runs events they stay disabled."""
    with MysqlServer(workshop.server.installation, settings={"event-scheduler": "ON"}) as eventful:
        report = drill_on(RunningServer(eventful.url, eventful.kind, eventful.version), good)
    assert (report.verdict, wrong(report)) == (Verdict.PASS, [])
    assert "event_status" in {item.id for item in report.not_evaluated}


def test_a_newer_series_stays_green(workshop: Workshop, good: Backed) -> None:
    if workshop.server.installation.name != "mariadb10.11":
        pytest.skip("there is no newer server of this product here")
    with MysqlServer(installation("mariadb11.8"), settings=SETTINGS) as newer:
        report = drill_on(RunningServer(newer.url, newer.kind, newer.version), good)
    assert (wrong(report), report.verdict) == ([], Verdict.PASS), report.not_evaluated
