"""Copies that are equal must be called so: sequences in motion behind their column, objects that pg_dump leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops import app
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.engine.postgres.snapshot import PostgresSnapshot
from dbops.model import Manifest, Verdict
from dbops.ops.backup import backup
from dbops.progress import Silent
from tests.restoring import Backed, back_up, errors, run_restore, start, until
from tests.servers import Cluster, Database


def test_a_sequence_that_moves_behind_its_column(
    database: Database, tmp_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Imported rows have high ids, and the application draws low ones while the backup runs."""
    database.psql(
        "CREATE TABLE t (id serial PRIMARY KEY, a int); INSERT INTO t VALUES (900000, 1);"
        "SELECT setval('t_id_seq', 1000)"
    )
    read = PostgresSnapshot.sequences

    def moving(self: PostgresSnapshot) -> dict[tuple[str, str], tuple[int, bool]]:
        found = read(self)
        database.psql("SELECT nextval('t_id_seq')")
        return found

    monkeypatch.setattr(PostgresSnapshot, "sequences", moving)
    backed = back_up(database, tmp_store)
    monkeypatch.undo()
    report = run_restore(backed)
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    assert "sequence-behind" in {finding.id for finding in report.findings}


def test_a_subscription_that_a_plain_role_cannot_dump(any_pg: Cluster, tmp_store: str) -> None:
    any_pg.create_database("subscribed")
    database = Database(any_pg, "subscribed")
    try:
        database.psql(
            "CREATE ROLE plain LOGIN BYPASSRLS PASSWORD 'p'; GRANT pg_read_all_data TO plain; CREATE TABLE t (a int);"
            "CREATE SUBSCRIPTION s CONNECTION 'host=/nonexistent' PUBLICATION p WITH (connect = false);"
            "COMMENT ON SUBSCRIPTION s IS 'a comment'"
        )
        target = Target(url=Secret(any_pg.url("subscribed", user="plain", password="p")), name="shop")
        catalog = back_up(database, tmp_store).catalog
        made = backup(app.open_engine(target), catalog, target, clock=app.now, progress=Silent())
        assert isinstance(made, Manifest)
        assert "subscription-left-out" in {finding.id for finding in made.findings}
        superuser = Target(url=Secret(database.url), name="shop")
        report = run_restore(Backed(database, superuser, catalog, made), into="subscribed copy")
        assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    finally:
        any_pg.drop_database("subscribed copy")
        database.psql("ALTER SUBSCRIPTION s DISABLE; ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s")
        any_pg.drop_database("subscribed")
        any_pg.psql("DROP ROLE plain", "postgres")


def test_the_application_may_leave_a_daemon_behind(database: Database, tmp_store: str, tmp_path: Path) -> None:
    """A start script that puts the application into the background: the restore ends, and the application goes on."""
    database.psql("CREATE TABLE t (a int)")
    backed = back_up(database, tmp_store)
    go, said, script = tmp_path / "go", tmp_path / "said", tmp_path / "start.sh"
    go.touch()
    script.write_text(f'(while [ -e "{go}" ]; do echo up >&2; echo up >>"{said}"; sleep 0.05; done) &\n')
    application = f'stop = "/bin/true"\nstart = "/bin/sh {script}"\n'
    try:
        with start(backed, tmp_path, "--yes", application=application) as dbops:
            _, err = dbops.communicate(timeout=60)
        assert dbops.returncode == 0, err
        size = said.stat().st_size if said.exists() else 0
        until(lambda: said.exists() and said.stat().st_size > size + 30)  # it goes on, and writes to its stderr too
    finally:
        go.unlink()
