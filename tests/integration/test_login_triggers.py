"""Databases of which an event trigger on login writes a row, or lets nobody in (PostgreSQL 17 and later)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops.errors import DatabaseError
from dbops.model import Verdict
from tests.fault import support
from tests.mutations.workshop import Workshop, wrong
from tests.restoring import back_up, run_restore
from tests.servers import Cluster, Database

WATCHED = """
CREATE TABLE logins (who text, at timestamptz DEFAULT clock_timestamp());
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO public.logins VALUES (session_user); END$$;
CREATE EVENT TRIGGER watch ON login EXECUTE FUNCTION watch();
ALTER EVENT TRIGGER watch ENABLE ALWAYS;
"""
OFF = "-c event_triggers=off"

pytestmark = pytest.mark.parametrize("any_pg", [17, 18], indirect=True, ids=["pg17", "pg18"])


def logins(database: Database) -> int:
    with database.connect(options=OFF) as connection:
        return int(connection.execute("SELECT count(*) FROM logins").fetchall()[0][0])


def test_a_copy_is_not_changed_by_looking_at_it(any_pg: Cluster, tmp_path: Path) -> None:
    workshop = Workshop(any_pg, tmp_path, WATCHED)
    try:
        report = workshop.drill(workshop.backup())
    finally:
        workshop.close()
    assert (report.verdict, wrong(report)) == (Verdict.PASS, [])


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_restored_is_what_was_there(any_database: Database, tmp_path: Path, jobs: int) -> None:
    any_database.psql(WATCHED)
    backed = back_up(any_database, str(tmp_path), jobs=jobs)
    held = backed.manifest.rows
    assert held > 1
    report = run_restore(backed)
    assert (report.verdict, logins(any_database)) == (Verdict.PASS, held), report.findings
    any_database.psql("SELECT 1")
    assert logins(any_database) == held + 1
    report = run_restore(backed, in_place=True, safety=lambda: support.run(backed.target, tmp_path))
    assert (report.verdict, logins(any_database)) == (Verdict.PASS, held), report.findings


def test_one_that_lets_nobody_in_is_replaced(any_database: Database, tmp_path: Path) -> None:
    any_database.psql(WATCHED)
    backed = back_up(any_database, str(tmp_path))
    any_database.psql("DROP TABLE logins")
    with pytest.raises(DatabaseError, match="logins") as caught:
        back_up(any_database, str(tmp_path))
    assert "event trigger on login" in caught.value.hint
    assert run_restore(backed).verdict is Verdict.PASS
    any_database.psql("SELECT 1")
    assert logins(any_database) == backed.manifest.rows + 1
