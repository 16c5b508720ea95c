"""Faults 'The drill itself': every mutation of a good backup turns the drill and the checks red, and both name what was
mutated.

The table of all of them: python -m tests.mutations
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.model import Failure, Verdict
from tests.mutations.benign import BENIGN
from tests.mutations.cases import MUTATIONS
from tests.mutations.mutation import Benign, Mutation, Stored
from tests.mutations.stored import STORED
from tests.mutations.suite import red
from tests.mutations.workshop import Workshop, naming, wrong
from tests.restoring import Backed
from tests.servers import Cluster


@pytest.fixture(scope="module")
def workshop(pg_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    made = Workshop(pg_server, Path(tmp_path_factory.mktemp("workshop")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def good(workshop: Workshop) -> Backed:
    return workshop.backup()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutated_backup_is_found_and_named(workshop: Workshop, mutation: Mutation) -> None:
    report = workshop.drill(workshop.mutated(mutation.script))
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP)
    assert naming(report, mutation.table), wrong(report)
    assert any(mutation.table in said for said in red(report).values()), red(report)


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored.name)
def test_a_store_that_was_changed_is_found_and_named(workshop: Workshop, stored: Stored[Workshop, Backed]) -> None:
    changed = stored.change(workshop, workshop.backup())
    report = workshop.drill(changed)
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP)
    assert naming(report, stored.named), wrong(report)
    said = red(report, changed)
    assert any(stored.named in f"{check} {text}" for check, text in said.items()), said


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_copy_that_went_wrong_is_found_and_its_rows_named(
    workshop: Workshop, good: Backed, mutation: Mutation
) -> None:
    report = workshop.drill_mutated_copy(good, mutation.script)
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP)
    assert naming(report, mutation.named), wrong(report)
    assert any(mutation.named in said for said in red(report).values()), red(report)


@pytest.mark.parametrize("benign", BENIGN, ids=lambda benign: benign.name)
def test_what_is_right_stays_green(workshop: Workshop, benign: Benign[Workshop]) -> None:
    report = benign.drill(workshop)
    assert (report.verdict, wrong(report), red(report)) == (Verdict.PASS, [], {}), report.not_evaluated


def test_a_newer_major_stays_green(workshop: Workshop, any_pg: Cluster) -> None:
    if any_pg.major < workshop.cluster.major:
        pytest.skip("an older major version")
    with workshop.changed_copy("ALTER TABLE kinds DROP COLUMN x") as source:  # some servers are built without XML
        report = workshop.on(any_pg).drill(workshop.backup(source))
    assert (wrong(report), report.verdict) == ([], Verdict.PASS), report.not_evaluated


def test_rows_against_a_key_of_their_own_are_no_matter_of_another_major(workshop: Workshop, any_pg: Cluster) -> None:
    if any_pg.major < workshop.cluster.major:
        pytest.skip("an older major version")
    orphan = """
    ALTER TABLE kinds DROP COLUMN x;
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (parent int CONSTRAINT has_parent REFERENCES parent);
    SET session_replication_role = replica;
    INSERT INTO child VALUES (9);
    """
    with workshop.changed_copy(orphan) as source:
        report = workshop.on(any_pg).drill(workshop.backup(source))
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP), report.not_evaluated
    assert "has_parent" in wrong(report)[0].actual
