"""Views that a dump program cannot take, since what they select from has gone: one of them is no reason to have no
backup. It is left out, told, kept as text, and missed by no drill and no restore."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.model import Finding, Manifest, Severity, Verdict
from tests.mutations.bench import RunningServer, drill_on, wrong
from tests.mysql_restoring import Backed, artifact, back_up, errors, run_restore
from tests.mysql_servers import MysqlServer, installation, servers

NAME = "sh.op"
ODD = "v `quoted`\n; 1"
LEFT_OUT = {ODD, "of_view", "of_column", "of_routine"}


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        running.execute("CREATE USER reader")
        yield running


@pytest.fixture
def broken(server: MysqlServer) -> Iterator[MysqlServer]:
    """A database of which somebody has dropped a table, a column and a function that views use."""
    server.create_database(NAME, "CHARACTER SET utf8mb4")
    odd = "`v ``quoted``\n; 1`"
    server.execute(
        *("CREATE TABLE gone (a INT)", "CREATE TABLE kept (a INT, b INT)", "INSERT INTO kept VALUES (1, 2), (3, 4)"),
        "CREATE FUNCTION uno() RETURNS INT DETERMINISTIC RETURN 1",
        *(f"CREATE VIEW {odd} AS SELECT a, '\n; é' AS x FROM gone", f"CREATE VIEW of_view AS SELECT * FROM {odd}"),
        *("CREATE VIEW of_column AS SELECT b FROM kept", "CREATE VIEW of_routine AS SELECT uno() AS x"),
        *("CREATE VIEW good AS SELECT a FROM kept", "GRANT SELECT ON good TO reader"),
        "GRANT SELECT ON of_view TO reader",
        *("DROP TABLE gone", "ALTER TABLE kept DROP COLUMN b", "DROP FUNCTION uno"),
        database=NAME,
    )  # fmt: skip
    yield server
    server.drop_database(NAME)


def told(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.subject for finding in findings if finding.id == "view-left-out"}


def is_restored(server: MysqlServer, name: str) -> bool:
    views = server.execute(f"SELECT table_name FROM information_schema.views WHERE table_schema = '{name}'")
    return views == [("good",)] and server.execute("SELECT SUM(a) FROM good", database=name) == [(4,)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_they_are_left_out_told_and_kept(broken: MysqlServer, tmp_path: Path, jobs: int) -> None:
    backed = back_up(broken, NAME, tmp_path, jobs=jobs, inventory="content")
    found = [finding for finding in backed.manifest.findings if "view" in finding.id]
    assert {finding.id for finding in found} == {"view-left-out"}
    assert {finding.subject for finding in found} == LEFT_OUT
    assert {finding.severity for finding in found} == {Severity.WARNING}
    # What somebody needs to make them again, as comments: no line of it runs.
    lines = artifact(backed, "database.sql").read_text().splitlines()
    text = "\n".join(line.removeprefix("-- ") for line in lines if line.startswith("--"))
    assert "VIEW `of_view` AS select" in text
    assert "; é' AS `x`" in text
    assert all(line.startswith(("-- ", "--", "GRANT ", "ALTER ")) for line in lines)

    drilled = drill_on(RunningServer(broken.url, broken.kind, broken.version), backed)
    assert (wrong(drilled), drilled.verdict) == ([], Verdict.PASS)
    assert {f"view {name}" for name in LEFT_OUT} <= told(drilled.findings)
    report = run_restore(backed, into="copy")
    try:
        assert (errors(report), report.verdict) == ([], Verdict.PASS)
        assert {f"view {name}" for name in LEFT_OUT} <= told(report.findings)
        assert is_restored(broken, "copy")
    finally:
        broken.drop_database("copy")


def test_a_copy_without_another_view_is_still_a_bad_one(broken: MysqlServer, tmp_path: Path) -> None:
    backed = back_up(broken, NAME, tmp_path)
    sandbox = RunningServer(broken.url, broken.kind, broken.version)
    drilled = drill_on(sandbox, backed, change=lambda name: broken.execute("DROP VIEW good", database=name))
    assert ("view-missing", "view good") in {(finding.id, finding.subject) for finding in wrong(drilled)}


@pytest.mark.parametrize("in_place", [False, True])
def test_the_database_they_are_in_is_restored(broken: MysqlServer, tmp_path: Path, in_place: bool) -> None:
    """At night: a table was dropped, views fail, and the database is to be what it was, or is as it is."""
    backed = back_up(broken, NAME, tmp_path)
    broken.execute("DELETE FROM kept", database=NAME)

    def safety() -> Manifest:
        return back_up(broken, NAME, tmp_path).manifest

    report = run_restore(backed, in_place=in_place, safety=safety if in_place else None)
    assert (errors(report), report.verdict) == ([], Verdict.PASS)
    assert is_restored(broken, NAME)
    assert ("reader",) in set(broken.execute("SELECT user FROM mysql.tables_priv WHERE table_name = 'good'"))


def test_what_fails_for_another_reason_is_left_to_the_program(broken: MysqlServer, tmp_path: Path) -> None:
    """A view that works is in the dump, whoever its definer was."""
    broken.execute(
        *("CREATE USER leaver", f"GRANT ALL ON `{NAME}`.* TO leaver"),
        *("CREATE DEFINER = leaver VIEW left_behind AS SELECT a FROM kept", "DROP USER leaver"),
        database=NAME,
    )
    backed: Backed = back_up(broken, NAME, tmp_path)
    assert told(backed.manifest.findings) == LEFT_OUT
    assert ("invalid-view", "left_behind") in {(f.id, f.subject) for f in backed.manifest.findings}


def test_an_older_backup_is_restored_over_them_and_taken_back(broken: MysqlServer, tmp_path: Path) -> None:
    """The one from before the table was dropped; and then it turns out that the broken one was the right one."""
    broken.execute("DROP VIEW of_column", "DROP VIEW of_routine", database=NAME)
    broken.execute("CREATE TABLE gone (a INT)", "INSERT INTO gone VALUES (5)", database=NAME)
    backed = back_up(broken, NAME, tmp_path)
    assert not told(backed.manifest.findings)
    broken.execute("DROP TABLE gone", "INSERT INTO kept VALUES (100)", database=NAME)
    report = run_restore(backed)
    assert (errors(report), report.verdict) == ([], Verdict.PASS)
    lost = {finding.subject for finding in report.findings if finding.id == "view-not-kept"}
    assert lost == {ODD, "of_view"}
    assert broken.execute("SELECT a FROM of_view", database=NAME) == [(5,)]
    restorer = backed.restorer
    with restorer.lock():
        aside, *_ = restorer.asides()
        restorer.undo(aside, "20260101T000000Z", end_sessions=False)
    assert broken.execute("SELECT SUM(a) FROM kept", database=NAME) == [(104,)]
    assert not broken.execute("SHOW TABLES LIKE 'gone'", database=NAME)
    views = broken.execute(f"SELECT table_name FROM information_schema.views WHERE table_schema = '{NAME}'")
    assert ("good",) in views
