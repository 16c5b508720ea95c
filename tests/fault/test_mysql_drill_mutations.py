"""Faults 'The drill itself' on MySQL and MariaDB: every mutation of a good backup turns the drill red, which names
what was mutated. B11: what a dump program cannot carry is told, and is no corruption.

Mutations that do not get into each other's way are done together: see `tests.mutations.rounds`. The table of all of
them: python -m tests.mutations mysql9.7
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dbops.model import Failure, Report, Verdict
from tests.mutations.bench import RunningServer, drill_on, naming, wrong
from tests.mutations.mutation import Benign, Mutation, Stored
from tests.mutations.mysql.benign import BENIGN
from tests.mutations.mysql.cases import KINDS, MUTATIONS, cases
from tests.mutations.mysql.stored import EDITS, STORED, edited
from tests.mutations.mysql.workshop import SETTINGS, Workshop
from tests.mutations.rounds import Case, found_by, rounds
from tests.mysql_restoring import Backed
from tests.mysql_servers import MysqlServer, installation, servers

Round = list[Case[Any]]


class Rounds:
    """Each round is drilled once, when the first of its mutations is asked for."""

    def __init__(self, groups: list[Round], drill: Callable[[list[Any]], Report]) -> None:
        self._drill = drill
        self._reports: dict[int, Report] = {}
        self._groups = {case.name: group for group in groups for case in group}

    def __contains__(self, name: str) -> bool:
        return name in self._groups

    def found(self, name: str) -> bool:
        group = self._groups[name]
        if id(group) not in self._reports:
            self._reports[id(group)] = self._drill([case.change for case in group])
        report = self._reports[id(group)]
        case = next(each for each in group if each.name == name)
        assert found_by(report, case, group), wrong(report)
        return True


@pytest.fixture(scope="module", params=servers())
def workshop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with MysqlServer(installation(request.param), settings=SETTINGS) as server:
        yield Workshop(server, Path(tmp_path_factory.mktemp("workshop")))


@pytest.fixture(scope="module")
def good(workshop: Workshop) -> Backed:
    return workshop.good


@pytest.fixture(scope="module")
def mutated_backups(workshop: Workshop, good: Backed) -> Rounds:
    groups = rounds(cases(workshop.server.installation.name, copy=False))
    return Rounds(groups, lambda scripts: workshop.drill(workshop.mutated(good, *scripts)))


@pytest.fixture(scope="module")
def mutated_copies(workshop: Workshop, good: Backed) -> Rounds:
    groups = rounds(cases(workshop.server.installation.name, copy=True))
    return Rounds(groups, lambda scripts: workshop.drill_mutated_copy(good, *scripts))


@pytest.fixture(scope="module")
def edited_texts(workshop: Workshop, good: Backed) -> Rounds:
    return Rounds(rounds(EDITS), lambda edits: workshop.drill(edited(workshop.copied(good), edits)))


def _found(done: Rounds, mutation: Mutation) -> None:
    if mutation.name not in done:
        pytest.skip("this server has no such thing")
    assert done.found(mutation.name)


@pytest.mark.parametrize("mutation", [each for each in MUTATIONS if not each.copy_only], ids=lambda each: each.name)
def test_a_mutated_backup_is_found_and_named(mutated_backups: Rounds, mutation: Mutation) -> None:
    _found(mutated_backups, mutation)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_a_copy_that_went_wrong_is_found_and_its_rows_named(mutated_copies: Rounds, mutation: Mutation) -> None:
    _found(mutated_copies, mutation)


@pytest.mark.parametrize("edit", EDITS, ids=lambda each: each.name)
def test_a_text_that_was_edited_is_found_and_named(edited_texts: Rounds, edit: Case[Any]) -> None:
    assert edited_texts.found(edit.name)


@pytest.mark.parametrize("stored", STORED, ids=lambda each: each.name)
def test_a_store_that_was_changed_is_found_and_named(
    workshop: Workshop, good: Backed, stored: Stored[Workshop, Backed]
) -> None:
    report = workshop.drill(stored.change(workshop, workshop.copied(good)))
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
    told = {finding.subject for finding in report.findings if finding.id == "float-column"}
    assert told == {f"{table}.f" for table in KINDS}


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
