"""The pieces of a run of an application's migrations that need no server."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from dbops.config import Migrations
from dbops.config.urls import Secret, with_password
from dbops.engine.migrating import TableLock
from dbops.errors import ConfigError, ToolError
from dbops.migrations.dbops_runner.drivers import application_url
from dbops.migrations.dbops_runner.telling import said
from dbops.migrations.runner import SCRIPT, NotRenderableError, Outcome, Runner
from dbops.migrations.runner_events import (
    Ended,
    Event,
    FailedStatement,
    Lock,
    RevisionApplied,
    RevisionBegun,
    Statement,
    Trouble,
    event_of,
)
from dbops.migrations.runner_place import find_place
from dbops.ops import half_applied
from dbops.ops.migrate_upgrade import is_lock_timeout
from dbops.ops.rehearse_locks import Look
from dbops.ops.rehearse_locks import held as held_beside
from dbops.ops.rehearse_measure import findings, held
from dbops.ops.rehearse_queries import placeholders
from tests.applications import alembic_project

URL = "postgresql://me:top%2Fsecret@db.internal/shop"
REVISIONS = {"r1": ("op.create_table('t', sa.Column('id', sa.Integer))", "op.drop_table('t')")}


def outcome(*events: Event, **changes: Any) -> Outcome:
    def all_of(kind: type) -> tuple[Any, ...]:
        return tuple(one for one in events if isinstance(one, kind))

    failed, trouble = all_of(FailedStatement), all_of(Trouble)
    made = Outcome(
        finished=not trouble,
        statements=all_of(Statement),
        begun=all_of(RevisionBegun),
        applied=all_of(RevisionApplied),
        failed=failed[-1] if failed else None,
        trouble=trouble[-1] if trouble else None,
        sessions=(),
        versions={},
        seconds=1.0,
        status=0,
        timed_out=False,
        output="",
    )
    return made._replace(**changes)


# -- the URL ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "kind", "driver", "wanted"),
    [
        (
            "postgresql://u:p%2F@h:5/d",
            "postgres",
            "postgresql+psycopg_async",
            "postgresql+psycopg_async://u:p%2F@h:5/d",
        ),
        ("postgresql://h/d", "postgres", "postgresql+psycopg2", "postgresql+psycopg://h/d"),  # which is not here
        ("postgresql:///d?host=/tmp&port=5", "postgres", "postgresql", "postgresql:///d?host=/tmp&port=5"),
        (
            "postgresql://h/d?sslmode=require",
            "postgres",
            "postgresql+psycopg",
            "postgresql+psycopg://h/d?sslmode=require",
        ),
        ("postgresql://h/d?sslmode=require", "postgres", "postgresql+asyncpg", "postgresql+asyncpg://h/d?ssl=require"),
        ("mysql://u@h/d?ssl-ca=/ca", "mysql", "mysql+pymysql", "mysql+pymysql://u@h/d?ssl_ca=/ca"),
        ("mysql://u@/d?socket=/s", "mysql", "mysql+pymysql", "mysql+pymysql://u@/d?unix_socket=/s"),
        ("mysql://u@h/d?ssl-mode=VERIFY_IDENTITY", "mysql", "x", "x://u@h/d?ssl_check_hostname=true"),
        ("mariadb://u@h/d?ssl-mode=DISABLED", "mysql", "mysql+pymysql", "mysql+pymysql://u@h/d"),
    ],
)
def test_the_url_as_the_application_takes_it(url: str, kind: str, driver: str, wanted: str) -> None:
    assert application_url(url, kind, driver) == wanted


def test_a_driver_that_is_installed_there() -> None:
    assert application_url("mysql://h/d", "mysql", "").startswith("mysql+pymysql://")
    assert application_url("postgresql://h/d", "postgres", "").startswith("postgresql+psycopg://")


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgresql://me@h/d", "postgresql://me:a%2Fb%40@h/d"),
        ("postgresql://me:old@h/d?sslmode=require", "postgresql://me:a%2Fb%40@h/d?sslmode=require"),
        ("postgresql:///d?host=/tmp", "postgresql:///d?host=/tmp&password=a%2Fb%40"),
        ("mysql://me@h:3307/d", "mysql://me:a%2Fb%40@h:3307/d"),
    ],
)
def test_a_password_into_a_url(url: str, wanted: str) -> None:
    made = with_password(url, "a/b@")
    assert isinstance(made, Secret)
    assert made.reveal() == wanted


# -- where it is run -------------------------------------------------------------------------------------------------


def test_flask_migrate_keeps_its_settings_beside_env(tmp_path: Path) -> None:
    scripts = alembic_project(tmp_path, REVISIONS)
    (scripts / "alembic.ini").write_text("[alembic]\n")
    place = find_place(Migrations(kind="flask-migrate", directory=scripts))
    assert (place.scripts, place.ini, place.folder) == (scripts, scripts / "alembic.ini", tmp_path)


@pytest.mark.parametrize("module", ["shop.py", "shop/__init__.py"])
def test_flask_migrate_in_a_folder_of_its_own(tmp_path: Path, module: str) -> None:
    """`flask db --directory migrations/shop`: the application is where it can be imported from, not beside that."""
    made = alembic_project(tmp_path / "other", REVISIONS)
    (tmp_path / "migrations").mkdir()
    scripts = made.rename(tmp_path / "migrations" / "shop")
    (scripts / "alembic.ini").write_text("[alembic]\n")
    (tmp_path / module).parent.mkdir(exist_ok=True)
    (tmp_path / module).touch()
    settings = Migrations(kind="flask-migrate", directory=scripts, app="shop:create_app")
    assert find_place(settings).folder == tmp_path
    (scripts / "alembic.ini").unlink()
    assert find_place(settings).folder == tmp_path
    other = Migrations(kind="flask-migrate", directory=scripts, app="installed.elsewhere")
    assert find_place(other).folder == tmp_path / "migrations"


def test_settings_above_lead_to_the_scripts(tmp_path: Path) -> None:
    scripts = alembic_project(tmp_path / "shop", REVISIONS)
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = shop/migrations\n")
    for directory in (scripts, tmp_path):
        place = find_place(Migrations(kind="alembic", directory=directory))
        assert (place.scripts, place.ini, place.folder) == (scripts, tmp_path / "alembic.ini", tmp_path)


def test_no_env_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no env\.py"):
        find_place(Migrations(kind="alembic", directory=tmp_path))


# -- the interpreter -------------------------------------------------------------------------------------------------


def test_rendering_needs_no_server(tmp_path: Path) -> None:
    runner = Runner(Migrations(kind="alembic", directory=alembic_project(tmp_path, REVISIONS)), Secret(URL))
    text = runner.render("base", "r1")
    assert "CREATE TABLE t (" in text
    assert "top" not in text


def test_what_cannot_be_rendered(tmp_path: Path) -> None:
    """It says where it stopped, and what came before that is there."""
    reads = "[row for row in op.get_bind().execute(sa.text('select 1')).fetchall()]"
    bodies = {"r1": REVISIONS["r1"], "r2": (reads, "pass"), "r3": ("op.drop_table('t')", "pass")}
    runner = Runner(Migrations(kind="alembic", directory=alembic_project(tmp_path, bodies)), Secret(URL))
    with pytest.raises(NotRenderableError, match=r"^r2 cannot be rendered.*r2\.py:13") as caught:
        runner.render("base", "r3")
    assert caught.value.revision == "r2"
    assert "CREATE TABLE t (" in caught.value.sql
    assert "DROP TABLE" not in caught.value.sql
    assert "DROP TABLE" in runner.render("r2", "r3")


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    settings = Migrations(kind="alembic", directory=alembic_project(tmp_path, REVISIONS), python=tmp_path / "python")
    with pytest.raises(ToolError, match="could not be started"):
        Runner(settings, Secret(URL)).upgrade()


def test_the_application_is_handed_the_url_by_its_own_variable_alone(tmp_path: Path) -> None:
    scripts = alembic_project(tmp_path, REVISIONS)
    (scripts / "env.py").write_text(
        "import os, sys\nfrom pathlib import Path\n"
        f"Path({str(tmp_path / 'seen')!r}).write_text(repr((dict(os.environ), sys.argv, sys.path)))\n"
    )
    settings = Migrations(kind="alembic", directory=scripts, url_variable="SHOP_URL")
    result = Runner(settings, Secret(URL)).upgrade()
    seen = (tmp_path / "seen").read_text()
    assert "'SHOP_URL': 'postgresql+psycopg://me:top%2Fsecret@db.internal/shop'" in seen
    assert seen.count("secret") == 1
    assert not any(str(one) in seen.rpartition("['")[2] for one in (SCRIPT.parent, SCRIPT.parent.parent))
    assert result.finished  # though nothing was done: the database tells


def test_it_is_ended_after_its_time(tmp_path: Path) -> None:
    scripts = alembic_project(tmp_path, REVISIONS)
    (scripts / "env.py").write_text("import time\ntime.sleep(60)\n")
    result = Runner(Migrations(kind="alembic", directory=scripts), Secret(URL)).upgrade(timeout=2)
    assert (result.finished, result.timed_out) == (False, True)
    assert re.search(r"it was ended after \d+ s", result.why)


def test_it_goes_with_dbops(tmp_path: Path) -> None:
    """The end of standard input means that nobody listens any more."""
    import subprocess

    reading, writing = os.pipe()
    child = subprocess.Popen([sys.executable, str(SCRIPT), str(writing)], stdin=subprocess.PIPE, pass_fds=(writing,))
    assert child.stdin is not None
    os.close(writing)
    scripts = alembic_project(tmp_path, REVISIONS)
    (scripts / "env.py").write_text("import time\ntime.sleep(60)\n")
    child.stdin.write(b'{"action": "upgrade"')
    child.stdin.close()
    assert child.wait(20) != 0
    os.close(reading)


def test_what_an_error_says_has_no_row_in_it() -> None:
    error = Exception(1062, "Duplicate entry 'ann@x.org' for key 'u'")
    assert said(error) == "Duplicate entry '…' for key 'u'"
    assert said(Exception("could not create\nDETAIL: Key (email)=(ann@x.org)")) == "could not create"


def test_an_event_that_is_not_known_is_passed_over() -> None:
    assert event_of({"event": "of a newer dbops"}) is None
    assert event_of({}) is None


# -- what is made of events ------------------------------------------------------------------------------------------

TABLE = Lock("public.t", "AccessExclusiveLock", "r", True)
NEW = Lock("public.new", "AccessExclusiveLock", "r", False)


def test_a_lock_is_held_to_the_end_of_its_transaction() -> None:
    events: list[Event] = [
        Statement("r1", "ALTER TABLE t ADD x int", 1.0, 0.1, locks=(TABLE, NEW)),
        Statement("r1", "UPDATE other SET y = 1", 1.1, 8.0, 20_000),
        Ended(True, 9.5),
        Statement("r2", "UPDATE other SET y = 2", 9.6, 8.0, 20_000),
    ]
    [lock] = held(events, "alembic_version")
    assert (lock.table, lock.blocks, lock.seconds) == ("public.t", "reads", 8.5)
    locks = held(events, "alembic_version")
    found = list(findings(events, locks, str, version_table="alembic_version", max_lock=5))
    assert [(one.id, one.subject) for one in found] == [("rehearsal-lock", "r1"), ("rehearsal-update-under-lock", "r1")]
    locks = held(events[2:], "alembic_version")
    assert list(findings(events[2:], locks, str, version_table="alembic_version", max_lock=5)) == []


def test_a_lock_that_is_seen_from_beside_lasts_as_long_as_it_was_seen() -> None:
    """An ALTER of MySQL: exclusive for a moment, then writes wait, then exclusive again; a look each second."""
    exclusive, shared = TableLock("t", "EXCLUSIVE", "reads"), TableLock("t", "SHARED_NO_WRITE", "writes")
    new, harmless = TableLock("#sql-1", "EXCLUSIVE", "reads"), TableLock("t", "SHARED_UPGRADABLE", "")
    seen = (exclusive, shared, shared, shared, exclusive, harmless)
    looks = [Look(10.0 + second, frozenset((lock, new))) for second, lock in enumerate(seen)]
    events = (
        Statement("r1", "ALTER TABLE t MODIFY a CHAR(9)", 10.0, 6.0, observed=False),
        Statement("r1", "ALTER TABLE t ADD b INT", 16.0, 0.5, observed=False),
        Statement("", "ALTER TABLE t ADD c INT", 10.0, 6.0, observed=False),
        Statement("r1", "UPDATE t SET b = 1", 10.0, 6.0),
    )
    found = held_beside(events, looks, {"t"})
    assert {(one.table, one.mode, one.blocks, one.seconds, one.revision) for one in found.held} == {
        ("t", "EXCLUSIVE", "reads", 2.0, "r1"),
        ("t", "SHARED_NO_WRITE", "writes", 5.0, "r1"),
    }
    assert found.unseen == 1  # it was over before the next look
    assert held_beside(events, (), {"t"}) == ((), 2)


def test_what_stayed_of_a_revision() -> None:
    events = (
        RevisionBegun("r1", True, 0.0),
        Statement("r1", "ALTER TABLE t ADD x int", 1.0, 0.1),
        Statement("r1", "UPDATE t SET x = 1", 1.2, 0.1, 3),
        FailedStatement("r1", "CREATE UNIQUE INDEX u ON t (x)", 1.3, 0.1, "IntegrityError", "1062", "Duplicate"),
        Trouble("IntegrityError", "1062", "Duplicate", "r1.py:3"),
    )
    half = half_applied.heard(outcome(*events), transactional=False)
    assert half is not None
    assert [part.state for part in half.parts] == ["in", "in", "missing"]
    assert half_applied.heard(outcome(*events), transactional=True) is None
    only_rows = (
        events[0],
        events[2],
        FailedStatement("r1", "UPDATE t SET z = 1", 1.3, 0.1, "E", "1054", "z"),
        events[4],
    )
    assert half_applied.heard(outcome(*only_rows), transactional=False) is None
    done = (*events[:2], RevisionApplied("r1", ("r1",), 2.0))
    assert half_applied.heard(outcome(*done), transactional=False) is None


def test_a_lock_timeout_is_told_from_other_errors() -> None:
    trouble = Trouble("OperationalError", "", "x", "")
    for code, wanted in (("55P03", True), ("1205", True), ("57014", False), ("1213", False), ("", False)):
        failed = FailedStatement("r1", "ALTER TABLE t ADD x int", 0, 0, "E", code, "m")
        assert is_lock_timeout(outcome(failed, trouble)) is wanted


@pytest.mark.parametrize(
    ("text", "postgres", "mysql"),
    [
        ("select :a, %(b)s, :a", ("select $1, $2, $1", 3), ("select ?, ?, ?", 3)),
        ("select '%s :x ?', \":y\", a::text -- :z", ("select '%s :x ?', \":y\", a::text -- :z", 0), None),
        ("select %s, %s, ?", ("select $1, $2, $3", 3), ("select ?, ?, ?", 3)),
        ("select $2, $1", ("select $1, $2", 2), None),
    ],
)
def test_placeholders(text: str, postgres: tuple[str, int], mysql: tuple[str, int] | None) -> None:
    assert placeholders(text, "postgres") == postgres
    assert mysql is None or placeholders(text, "mariadb") == mysql


def test_an_interpreter_that_cannot_run_migrations_is_no_verdict_on_them(tmp_path: Path) -> None:
    """Python is there, and nothing of the application: as if it were not there."""
    bare = tmp_path / "bare" / "bin" / "python"
    bare.parent.mkdir(parents=True)
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -s "$@"\n')
    bare.chmod(0o755)
    settings = Migrations(kind="alembic", directory=alembic_project(tmp_path, REVISIONS), python=bare)
    with pytest.raises(ToolError, match=r"python cannot run migrations: .*driver"):
        Runner(settings, Secret(URL)).upgrade()


def test_an_error_that_the_application_has_caught_is_not_why_it_ended(tmp_path: Path) -> None:
    body = """
from sqlalchemy import create_engine
with create_engine('sqlite://').connect() as there:
    try:
        there.execute(sa.text('select nothing from nowhere'))
    except Exception:
        pass
raise ValueError('later')
"""
    scripts = alembic_project(tmp_path, {"r1": (body, "pass")})
    env = scripts / "env.py"
    env.write_text("import sqlalchemy as sa\n" + body)
    result = Runner(Migrations(kind="alembic", directory=scripts), Secret(URL)).upgrade()
    assert (result.why.startswith("ValueError: later"), result.failed) == (True, None)
    env.write_text(env.read_text().replace("pass\n", "raise RuntimeError('because of it')\n"))
    result = Runner(Migrations(kind="alembic", directory=scripts), Secret(URL)).upgrade()
    assert result.failed is not None
    assert result.failed.sql == "select nothing from nowhere"
