"""The steps `lint` and `commutativity` of the gate, with an application, a scratch server, and something pending."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dbops.config import Migrations
from dbops.config.urls import Secret
from dbops.engine.base import VersionRows
from dbops.engine.scratch import ScratchServer
from dbops.migrations.history import read
from dbops.migrations.lint_facts import Facts
from dbops.migrations.runner import Outcome as Ran
from dbops.migrations.runner import Runner
from dbops.ops.gate_commute import Commuter
from dbops.ops.gate_lint import Linter
from dbops.ops.gate_steps import Outcome
from dbops.ops.migration_ground import Ground
from dbops.ops.workshop import Tools, Workshop
from dbops.sandbox.base import Sandbox, SandboxMissingError
from tests.integration.test_commute import BASE, CASES, INNOCENT, branches
from tests.migration_apps import alembic_app, local_server, workshop


@pytest.fixture(scope="module")
def postgres() -> Iterator[Sandbox]:
    with local_server("postgres") as running:
        yield running


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Sandbox]:
    with local_server("mariadb10.11") as running:
        yield running


def ground_of(settings: Migrations, *rows: str) -> Ground:
    return Ground(read(settings.directory), version=VersionRows("alembic_version", True, frozenset(rows)))


def step(settings: Migrations, shop: Workshop, dialect: str) -> Linter:
    return Linter(dialect, lambda url, a, b: Runner(settings, url).render(a, b), shop, Facts())


def linted(root: Path, server: Sandbox, *upgrades: str, at: str = "root") -> Outcome:
    names = ["root", "a", "b", "c"]
    bodies = {"root": (None, BASE)} | {
        name: (down, text) for name, down, text in zip(names[1:], names, upgrades, strict=False)
    }
    settings = alembic_app(root, bodies)
    ground = ground_of(settings, at)
    with workshop(settings, server, ground.history) as shop:
        return step(settings, shop, server.about.engine)(ground)


def ids(outcome: Outcome) -> list[str]:
    return [one.id for one in outcome.findings]


WIDER = 'op.alter_column("users", "email", type_=sa.String(100), existing_type=sa.String(50))'
OTHER = 'op.alter_column("users", "age", type_=sa.BigInteger, existing_type=sa.Integer)'


def test_a_type_is_judged_by_what_the_server_does(tmp_path: Path, postgres: Sandbox) -> None:
    found = linted(tmp_path, postgres, WIDER, OTHER)
    assert (ids(found), found.open) == (["sql-type-change"], [])
    assert found.findings[0].subject.startswith("versions/b_x.py:")


def test_on_mariadb_the_server_is_asked(tmp_path: Path, mariadb: Sandbox) -> None:
    found = linted(tmp_path, mariadb, WIDER, OTHER)
    assert (ids(found), found.open) == (["sql-copies"], [])
    assert "sql-copies" in found.judged
    assert "sql-in-transaction" not in found.judged


def test_what_reads_the_database_is_captured_on_a_scratch_one(tmp_path: Path, postgres: Sandbox) -> None:
    reads = """
for (name,) in op.get_bind().execute(sa.text("SELECT name FROM roles")).all():
    op.execute(f"DELETE FROM users /* {name} */")
"""
    found = linted(tmp_path, postgres, WIDER, reads)
    assert (ids(found), found.open) == (["sql-no-where"], [])


def test_operations_in_a_helper_are_seen(tmp_path: Path, postgres: Sandbox) -> None:
    hidden = 'import os.path\nhelper = getattr(op, "drop" + "_column")\nhelper("users", "email")'
    assert ids(linted(tmp_path, postgres, hidden)) == ["sql-drop"]


def test_what_is_applied_is_no_news(tmp_path: Path, postgres: Sandbox) -> None:
    found = linted(tmp_path, postgres, 'op.drop_column("users", "email")', WIDER.replace("email", "age"), at="a")
    assert "sql-drop" not in ids(found)


def test_a_revision_that_fails_on_an_empty_database_leaves_its_reason(tmp_path: Path, mariadb: Sandbox) -> None:
    found = linted(tmp_path, mariadb, 'op.drop_column("users", "nothing")')
    assert ids(found) == ["sql-drop"]
    assert {one.id for one in found.open} == {"sql-copies", "sql-blocks"}


def _no_server(_: ExitStack) -> ScratchServer:
    raise SandboxMissingError("no sandbox for MariaDB", kind="sandbox-missing")


def _never(_: Secret, __: str) -> Ran:
    raise AssertionError("nothing may be run without a scratch server")


@pytest.mark.parametrize("dialect", ["postgres", "mariadb"])
def test_without_a_server_the_sql_is_still_judged(tmp_path: Path, dialect: str) -> None:
    settings = alembic_app(tmp_path, {"root": (None, BASE), "a": ("root", OTHER + '\nop.execute("DELETE FROM users")')})
    ground = ground_of(settings, "root")
    with Workshop(Tools(_no_server, _never, lambda _: frozenset()), ground.history) as shop:
        found = step(settings, shop, dialect)(ground)
        both = Commuter(shop)(ground)
    assert "sql-no-where" in ids(found)
    if dialect == "postgres":
        assert "sql-type-change" in ids(found), "a warning, for it may not write anything anew"
        assert [one.id for one in found.skipped] == ["sql-type-change"]
    else:
        assert [one.id for one in found.open] == ["sql-copies", "sql-blocks"]
    assert [one.id for one in both.skipped] == ["commutativity"], "there are no branches"


def test_branches_are_proved_where_something_of_them_is_pending(tmp_path: Path, postgres: Sandbox) -> None:
    settings = alembic_app(tmp_path, branches(*CASES["22 the same type"][:2]))
    for rows, wanted in ((("root",), ["migration-branches-differ"]), (("one", "two"), [])):
        ground = ground_of(settings, *rows)
        with workshop(settings, postgres, ground.history) as shop:
            found = Commuter(shop)(ground)
        assert (ids(found), found.open) == (wanted, ())


def test_a_merge_that_is_pending_is_proved_too(tmp_path: Path, postgres: Sandbox) -> None:
    """Case 22: one head after `merge`, and every known tool is content."""
    bodies = {**branches(*CASES["22 the same type"][:2]), "joined": (("one", "two"), "")}
    settings = alembic_app(tmp_path, bodies)
    ground = ground_of(settings, "one")
    with workshop(settings, postgres, ground.history) as shop:
        found = Commuter(shop)(ground)
    assert ids(found) == ["migration-branches-differ"]
    assert found.findings[0].subject.startswith("versions/joined_x.py:")


def test_an_innocent_merge_is_quiet(tmp_path: Path, postgres: Sandbox) -> None:
    settings = alembic_app(tmp_path, {**branches(*INNOCENT["26 other tables"]), "joined": (("one", "two"), "")})
    ground = ground_of(settings, "one")
    with workshop(settings, postgres, ground.history) as shop:
        found = Commuter(shop)(ground)
        assert (found.findings, found.open) == ((), ())
        assert step(settings, shop, "postgres")(ground).findings == ()


def test_an_application_with_a_url_of_its_own_never_gets_to_another_database(tmp_path: Path, postgres: Sandbox) -> None:
    settings = alembic_app(tmp_path, branches(*INNOCENT["26 other tables"]))
    env = settings.directory / "env.py"
    env.write_text(env.read_text().replace('os.environ["DATABASE_URL"]', repr(_sqlalchemy(postgres))))
    ground = ground_of(settings, "root")
    with workshop(settings, postgres, ground.history) as shop:
        found = Commuter(shop)(ground)
    assert found.findings == ()
    assert "another database" in found.open[0].reason


def _sqlalchemy(server: Sandbox) -> str:
    return server.url("postgres").reveal().replace("postgresql://", "postgresql+psycopg://")
