"""Two branches that meet: each known conflict is found by running both orders, and branches that add unrelated things
pass. On PostgreSQL and MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.migrations.conflicts import forks
from dbops.migrations.history import read
from dbops.ops.commute import Proof, prove
from dbops.sandbox.base import Sandbox
from tests.migration_apps import Bodies, alembic_app, flask_app, local_server, workshop

BASE = """
op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.String(50)),
    sa.Column("age", sa.Integer))
op.create_table("roles", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)),
    sa.Column("made", sa.String(50)))
op.execute("INSERT INTO roles (name, made) VALUES ('admin', 'x')")
"""
ADD = 'op.add_column("{table}", sa.Column("{name}", sa.{kind}))'
CASES = {
    "21 the same column": (
        ADD.format(table="users", name="phone", kind="String(20)"),
        ADD.format(table="users", name="phone", kind="String(20)"),
        "migration-branches-fail",
        "phone",
    ),
    "22 the same type": (
        'op.alter_column("users", "email", type_=sa.String(100), existing_type=sa.String(50))',
        'op.alter_column("users", "email", type_=sa.String(200), existing_type=sa.String(50))',
        "migration-branches-differ",
        "email",
    ),
    "22 the same check": (
        'op.execute("ALTER TABLE users DROP CONSTRAINT IF EXISTS ck")\n'
        'op.create_check_constraint("ck", "users", "age > 1")',
        'op.execute("ALTER TABLE users DROP CONSTRAINT IF EXISTS ck")\n'
        'op.create_check_constraint("ck", "users", "age > 2")',
        "migration-branches-differ",
        "ck",
    ),
    "22 the same row": (
        "op.execute(\"UPDATE roles SET made = 'a' WHERE name = 'admin'\")",
        "op.execute(\"UPDATE roles SET made = 'b' WHERE name = 'admin'\")",
        "migration-branches-data",
        "roles",
    ),
    "23 renamed and altered": (
        'op.alter_column("users", "email", new_column_name="mail", existing_type=sa.String(50))',
        'op.alter_column("users", "email", type_=sa.String(100), existing_type=sa.String(50))',
        "migration-branches-fail",
        "email",
    ),
    "24 dropped and referenced": (
        'op.drop_table("roles")',
        'op.add_column("users", sa.Column("role", sa.Integer))\n'
        'op.create_foreign_key("fk_role", "users", "roles", ["role"], ["id"])',
        "migration-branches-fail",
        "roles",
    ),
    "25 one index, two names": (
        'op.create_index("ix_a", "users", ["email"])',
        'op.create_index("ix_b", "users", ["email"])',
        "migration-branches-twice",
        "ix_b",
    ),
    "25 one foreign key, two names": (
        'op.create_foreign_key("fk_a", "users", "roles", ["age"], ["id"])',
        'op.create_foreign_key("fk_b", "users", "roles", ["age"], ["id"])',
        "migration-branches-twice",
        "fk_b",
    ),
    "25 one check, two names": (
        'op.create_check_constraint("ck_a", "users", "age > 1")',
        'op.create_check_constraint("ck_b", "users", "age > 1")',
        "migration-branches-twice",
        "ck_b",
    ),
}
INNOCENT = {
    "26 other tables": (
        'op.create_table("a", sa.Column("id", sa.Integer, primary_key=True))',
        'op.create_table("b", sa.Column("id", sa.Integer, primary_key=True))',
    ),
    "21 other columns of one table": (
        ADD.format(table="users", name="phone", kind="String(20)"),
        ADD.format(table="users", name="fax", kind="String(20)"),
    ),
    "22 types of two columns": (
        'op.alter_column("users", "email", type_=sa.String(100), existing_type=sa.String(50))',
        'op.alter_column("users", "age", type_=sa.BigInteger, existing_type=sa.Integer)',
    ),
    "22 rows with numbers of their own": (
        "op.execute(\"INSERT INTO roles (name, made) VALUES ('a', 'x')\")",
        "op.execute(\"INSERT INTO roles (name, made) VALUES ('b', 'x')\")",
    ),
    "23 a column renamed, another altered": (
        'op.alter_column("users", "email", new_column_name="mail", existing_type=sa.String(50))',
        'op.alter_column("users", "age", type_=sa.BigInteger, existing_type=sa.Integer)',
    ),
    "24 dropped, and another referenced": (
        'op.drop_table("roles")',
        'op.add_column("users", sa.Column("boss", sa.Integer))\n'
        'op.create_foreign_key("fk_boss", "users", "users", ["boss"], ["id"])',
    ),
    "25 two indexes": (
        'op.create_index("ix_a", "users", ["email"])',
        'op.create_index("ix_b", "users", ["age"])',
    ),
}


@pytest.fixture(scope="module", params=["postgres", "mariadb10.11"])
def server(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with local_server(request.param) as running:
        yield running


def proof(root: Path, server: Sandbox, revisions: Bodies, *, make: object = alembic_app) -> Proof:
    settings = flask_app(root, revisions) if make is flask_app else alembic_app(root, revisions)
    history = read(settings.directory)
    with workshop(settings, server, history) as made:
        return prove(history, forks(history, [one.id for one in history.revisions]), made)


def branches(one: str, other: str) -> Bodies:
    return {"root": (None, BASE), "one": ("root", one), "two": ("root", other)}


@pytest.mark.parametrize("case", CASES)
def test_a_conflict_is_found(tmp_path: Path, server: Sandbox, case: str) -> None:
    one, other, rule, name = CASES[case]
    found = proof(tmp_path, server, branches(one, other))
    assert not found.open
    assert rule in [each.id for each in found.findings]
    said = next(each for each in found.findings if each.id == rule)
    assert name in said.actual
    assert "one" in said.actual
    assert "two" in said.actual


@pytest.mark.parametrize("case", INNOCENT)
def test_branches_that_do_not_meet_pass(tmp_path: Path, server: Sandbox, case: str) -> None:
    found = proof(tmp_path, server, branches(*INNOCENT[case]))
    assert (found.findings, found.skipped, found.open) == ((), (), ())
    assert set(found.touched) == {"one", "two"}


def test_rows_of_a_table_that_is_empty_are_not_taken_for_the_same(tmp_path: Path, server: Sandbox) -> None:
    """Case 22: twice as many and one more, in both orders, of nothing. And its twin: two columns."""
    one, other, twin = (
        f'op.execute("UPDATE users SET {text}")' for text in ("age = age * 2", "age = age + 1", "email = 'x'")
    )
    found = proof(tmp_path / "one", server, branches(one, other))
    assert (found.findings, [each.id for each in found.open]) == ((), ["migration-branches-data"])
    assert "age * 2 by one" in found.open[0].reason
    assert "age + 1 by two" in found.open[0].reason
    assert proof(tmp_path / "two", server, branches(one, twin)).open == ()


def test_the_rows_of_a_scratch_database_can_be_taken_out(server: Sandbox) -> None:
    scratch = app.scratch(server.about.engine, server.url)
    scratch.create("rows")
    try:
        with scratch.session("rows") as session:
            for statement in (
                "CREATE TABLE parent (id INT PRIMARY KEY)",
                "CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id))",
                "INSERT INTO parent VALUES (1)",
                "INSERT INTO child VALUES (1, 1)",
            ):
                assert session.run(statement) is None
            session.empty()
            assert session.run("INSERT INTO child VALUES (2, 1)") is not None  # the foreign key is in force
        assert [rows.number for rows in scratch.look("rows").rows.values()] == [0, 0]
    finally:
        scratch.drop("rows")
