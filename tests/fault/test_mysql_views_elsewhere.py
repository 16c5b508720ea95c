"""Views that select from another database, and whatever reads through it: it is no part of the backup, and a drill's
server does not have it. That is told, and says nothing against the backup."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.model import Finding, Severity, Verdict
from tests.mutations.bench import RunningServer, drill_on, wrong
from tests.mysql_restoring import back_up, errors, run_restore
from tests.mysql_servers import MysqlServer, installation, servers

NAME = "sh.op"
OTHER = "other.db"
NOT_MADE = {"of_other", "a_view_of_it", "with_function", "z_view_of_that"}


@pytest.fixture(params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    """`a_view_of_it` is made by a dump before what it selects from, upon a table that stands in for that."""
    with MysqlServer(installation(request.param)) as running:
        running.create_database(OTHER)
        running.create_database(NAME)
        running.execute(
            *("CREATE TABLE prices (id INT)", "INSERT INTO prices VALUES (1), (2)"),
            "CREATE FUNCTION uno() RETURNS INT DETERMINISTIC RETURN 1",
            *("CREATE TABLE seen (a INT)", "CREATE USER poor"),
            database=OTHER,
        )
        running.execute(
            *("CREATE USER reader", "CREATE TABLE kept (a INT)", "INSERT INTO kept VALUES (3)"),
            f"CREATE VIEW of_other AS SELECT id FROM `{OTHER}`.prices",
            f"CREATE VIEW with_function AS SELECT `{OTHER}`.uno() AS x",
            *("CREATE VIEW a_view_of_it AS SELECT id FROM of_other", "CREATE VIEW good AS SELECT a FROM kept"),
            "CREATE VIEW z_view_of_that AS SELECT id FROM a_view_of_it",
            "CREATE FUNCTION how_many() RETURNS INT READS SQL DATA RETURN (SELECT COUNT(*) FROM of_other)",
            "CREATE VIEW through_function AS SELECT how_many() AS n",
            "CREATE DEFINER = poor VIEW may_not AS SELECT a FROM kept",
            f"CREATE TRIGGER tells AFTER INSERT ON kept FOR EACH ROW INSERT INTO `{OTHER}`.seen VALUES (NEW.a)",
            *("GRANT SELECT ON of_other TO reader", "GRANT SELECT ON good TO reader"),
            "GRANT SELECT (id) ON a_view_of_it TO reader",
            database=NAME,
        )
        yield running


def told(findings: tuple[Finding, ...]) -> set[str]:
    return {f.subject for f in findings if f.id == "view-not-made" and f.severity is Severity.WARNING}


@pytest.mark.parametrize("jobs", [1, 2])
def test_where_the_other_database_is_not_they_are_told_and_all_else_is_compared(
    server: MysqlServer, tmp_path: Path, jobs: int
) -> None:
    backed = back_up(server, NAME, tmp_path, jobs=jobs)
    sandbox = RunningServer(server.url, server.kind, server.version)
    report = drill_on(sandbox, backed)
    assert (wrong(report), report.verdict, told(report.findings)) == ([], Verdict.PASS, set())

    server.drop_database(OTHER)
    report = drill_on(sandbox, backed)
    assert (wrong(report), report.verdict) == ([], Verdict.PASS)
    assert told(report.findings) >= NOT_MADE
    report = drill_on(sandbox, backed, change=lambda name: server.execute("DROP VIEW good", database=name))
    assert ("view-missing", "view good") in {(finding.id, finding.subject) for finding in wrong(report)}

    report = run_restore(backed)
    assert (errors(report), report.verdict) == ([], Verdict.PASS)
    assert told(report.findings) >= NOT_MADE
    views = server.execute(f"SELECT table_name FROM information_schema.views WHERE table_schema = '{NAME}' ORDER BY 1")
    assert views == [("good",), ("may_not",), ("through_function",)]


def test_a_database_that_has_gone_at_the_source_stops_neither_backup_nor_restore(
    server: MysqlServer, tmp_path: Path
) -> None:
    """MySQL shows no view of a database that is not there; it says 1049 then, and not what it says of a table."""
    older = back_up(server, NAME, tmp_path)
    server.drop_database(OTHER)
    backed = back_up(server, NAME, tmp_path / "later")
    left_out = {finding.subject for finding in backed.manifest.findings if finding.id == "view-left-out"}
    assert left_out >= NOT_MADE
    for each in (backed, older):
        report = run_restore(each)
        assert (errors(report), report.verdict) == ([], Verdict.PASS)
    (aside, *_) = older.restorer.asides()
    older.restorer.undo(aside, "20350101T000000Z", end_sessions=False)
    assert server.execute("SELECT a FROM good", database=NAME) == [(3,)]
