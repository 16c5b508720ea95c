"""Rehearsals on restored copies: what fails, what is lost, what is locked, and which way leads back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dbops.config import Invariant
from dbops.migrations.runner import Runner
from dbops.model import Severity
from dbops.ops.gate_steps import Outcome
from tests.applications import alembic_project, write_revision
from tests.migrating import FIRST, Bench, Rehearse, bench, ids, named, prepared, rehearsing, subject


@pytest.fixture(scope="module", params=["postgres", "mariadb10.11"])
def server(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with bench(request.param) as running:
        yield running


@pytest.fixture
def rehearse(server: Bench, tmp_path: Path) -> Rehearse:
    return rehearsing(server, tmp_path)


def bad(outcome: Outcome) -> list[str]:
    return [one.id for one in outcome.findings if one.severity is not Severity.INFO]


# -- what is fine ----------------------------------------------------------------------------------------------------


def test_a_new_table_is_fine_and_the_way_back_is_its_downgrade(rehearse: Rehearse) -> None:
    outcome, facts = rehearse("op.create_table('notes', sa.Column('id', sa.Integer))", "op.drop_table('notes')")
    assert (bad(outcome), list(outcome.open)) == ([], [])
    assert (facts.current, facts.pending, facts.reached) == (("r1",), ("r2",), ("r2",))
    assert [one.sql.split()[:3] for one in facts.statements] == [["CREATE", "TABLE", "notes"]]
    assert (facts.way_back.kind, facts.way_back.command) == ("downgrade", "alembic downgrade r1")
    assert facts.restore_seconds > 0
    assert [one.name.rpartition(".")[2] for one in facts.tables] == ["notes"]


# -- 27, 28: what the rows do not allow ------------------------------------------------------------------------------


def test_not_null_without_default_fails_on_rows(rehearse: Rehearse, server: Bench) -> None:
    up = "op.add_column('customers', sa.Column('since', sa.Integer, nullable=False))"
    outcome, facts = rehearse(up, "op.drop_column('customers', 'since')")
    if not server.postgres:  # MariaDB fills it with 0
        assert facts.reached == ("r2",)
        return
    found = named(outcome.findings, "rehearsal-upgrade-fails")
    assert "contains null values" in found.actual
    assert found.subject.startswith("migrations/versions/r2.py") or found.subject.startswith("versions/r2.py")
    assert facts.way_back.kind == "none"


def test_not_null_with_a_default_is_fine(rehearse: Rehearse) -> None:
    up = "op.add_column('customers', sa.Column('since', sa.Integer, nullable=False, server_default='0'))"
    outcome, facts = rehearse(up, "op.drop_column('customers', 'since')")
    assert (bad(outcome), facts.way_back.kind) == ([], "downgrade")
    assert facts.tables[0].columns_new == ("since",)


def test_a_unique_index_over_duplicates_fails(rehearse: Rehearse) -> None:
    outcome, _ = rehearse("op.create_index('u', 'customers', ['email'], unique=True)")
    assert "CREATE UNIQUE INDEX" in named(outcome.findings, "rehearsal-upgrade-fails").actual
    assert "b@x" not in repr(outcome)


def test_a_unique_index_over_different_values_is_fine(rehearse: Rehearse) -> None:
    outcome, _ = rehearse("op.create_index('u', 'customers', ['id'], unique=True)", "op.drop_index('u', 'customers')")
    assert bad(outcome) == []


# -- 33: what the running release uses -------------------------------------------------------------------------------

QUERIES = """
-- the list
SELECT id, town FROM customers WHERE email = :email;
INSERT INTO customers (id, email) VALUES (%(id)s, %s);
SELECT count(*) FROM customers;
SELECT nothing FROM customers;
"""


def test_a_column_that_a_query_uses(rehearse: Rehearse, tmp_path: Path) -> None:
    queries = tmp_path / "queries.sql"
    queries.write_text(QUERIES)
    outcome, facts = rehearse("op.drop_column('customers', 'town')", queries=queries)
    found = named(outcome.findings, "rehearsal-query-fails")
    assert found.expected.startswith("queries.sql:3 works")
    assert "town" in found.actual
    assert named(outcome.findings, "rehearsal-column-gone").expected.endswith("customers.town")
    assert [one.id for one in outcome.skipped] == ["query queries.sql:6"]
    assert facts.way_back.kind == "restore"
    assert facts.way_back.seconds == facts.restore_seconds


def test_a_column_that_no_query_uses(rehearse: Rehearse, tmp_path: Path) -> None:
    queries = tmp_path / "queries.sql"
    queries.write_text("SELECT id, email FROM customers WHERE id = $1;" if False else "SELECT id FROM customers;")
    outcome, _ = rehearse("op.drop_column('customers', 'town')", queries=queries)
    assert bad(outcome) == ["rehearsal-column-gone"]


def test_rows_that_are_gone(rehearse: Rehearse) -> None:
    outcome, facts = rehearse("op.execute('delete from customers where id > 1')")
    found = named(outcome.findings, "rehearsal-rows-lost")
    assert ("3 rows" in found.expected, found.actual) == (True, "1 are left")
    assert (facts.tables[0].rows_before, facts.tables[0].rows_after) == (3, 1)
    outcome, _ = rehearse("op.drop_table('customers')")
    assert named(outcome.findings, "rehearsal-rows-lost").actual == "the table is gone"


def test_an_invariant(rehearse: Rehearse) -> None:
    rule = Invariant(name="nobody in Berga", sql="select count(*) from customers where town = 'Berga'", equals=0)
    outcome, _ = rehearse("op.execute(\"update customers set town = 'Olot'\")", target={"invariants": (rule,)})
    assert bad(outcome) == []
    outcome, _ = rehearse("op.execute(\"update customers set town = 'Berga'\")", target={"invariants": (rule,)})
    assert "nobody in Berga" in named(outcome.findings, "rehearsal-invariant").expected


# -- 34: the way down ------------------------------------------------------------------------------------------------


def test_a_downgrade_that_does_not_bring_the_data_back(rehearse: Rehearse) -> None:
    up = "op.drop_column('customers', 'town')"
    outcome, facts = rehearse(up, "op.add_column('customers', sa.Column('town', sa.String(40)))")
    assert (
        "customers: 3 rows, but what is in them differs" in named(outcome.findings, "rehearsal-downgrade-loses").actual
    )
    assert facts.way_back.kind == "restore"


def test_a_downgrade_that_fails(rehearse: Rehearse) -> None:
    outcome, facts = rehearse("op.create_table('a', sa.Column('id', sa.Integer))", "op.drop_table('b')")
    assert bad(outcome) == ["rehearsal-downgrade-fails"]
    assert facts.way_back.kind == "restore"


def test_a_downgrade_that_leaves_something(rehearse: Rehearse) -> None:
    up = "op.create_table('a', sa.Column('id', sa.Integer))\nop.create_table('b', sa.Column('id', sa.Integer))"
    outcome, _ = rehearse(up, "op.drop_table('a')")
    assert bad(outcome)[0] == "rehearsal-downgrade-loses"
    assert "rehearsal-upgrade-again-fails" in bad(outcome)


def test_a_revision_without_a_downgrade(rehearse: Rehearse) -> None:
    outcome, facts = rehearse("op.create_table('a', sa.Column('id', sa.Integer))")
    assert bad(outcome) == []
    assert (facts.way_back.kind, facts.way_back.why) == ("restore", "r2 has no downgrade")
    assert facts.way_back.command.startswith("dbops restore --target shop")


def test_findings_name_the_revision_that_they_are_about(server: Bench, tmp_path: Path) -> None:
    """Of several that are pending, the one that did it: there it is allowed, or mended."""
    made = prepared(server, tmp_path, "op.drop_column('customers', 'town')", "op.drop_table('nothing')")
    assert made.target.migrations is not None
    scripts = made.target.migrations.directory
    write_revision(scripts, "r3", "r2", "op.execute('delete from customers where id > 1')", "op.execute('select 1')")
    write_revision(scripts, "r4", "r3", "op.create_table('a', sa.Column('id', sa.Integer))", "op.drop_table('a')")
    outcome, _ = made.rehearse()
    wanted = {"rehearsal-column-gone": "r2", "rehearsal-rows-lost": "r3", "rehearsal-downgrade-fails": "r2"}
    for rule, revision in wanted.items():
        file, _, line = named(outcome.findings, rule).subject.rpartition(":")
        assert Path(file).stem == revision, rule
        if rule != "rehearsal-downgrade-fails":
            assert "customers" in (scripts / file).read_text().splitlines()[int(line) - 1]


# -- 42 and what else an application may do --------------------------------------------------------------------------


def test_an_upgrade_that_ends_well_and_has_done_nothing(server: Bench, tmp_path: Path) -> None:
    made = prepared(server, tmp_path, "op.create_table('a', sa.Column('id', sa.Integer))", "pass")
    assert made.target.migrations is not None
    (made.target.migrations.directory / "env.py").write_text("")
    outcome, facts = made.rehearse()
    found = named(outcome.findings, "rehearsal-not-at-head")
    assert (facts is not None and facts.reached, "the database is at r1" in found.actual) == (("r1",), True)
    assert "does it read its URL" in found.hint


def test_a_revision_that_commits_loses_its_row(rehearse: Rehearse) -> None:
    """It is the right database: that is not what to look at."""
    up = "bind = op.get_bind()\nbind.execute(sa.text('ALTER TABLE customers ADD age integer'))\nbind.commit()"
    outcome, _ = rehearse(up, "op.drop_column('customers', 'age')")
    found = named(outcome.findings, "rehearsal-not-at-head")
    assert "r2 was begun there" in found.hint
    assert "URL" not in found.hint


def test_an_upgrade_that_migrates_and_then_fails(server: Bench, tmp_path: Path) -> None:
    made = prepared(server, tmp_path, "op.create_table('a', sa.Column('id', sa.Integer))", "op.drop_table('a')")
    assert made.target.migrations is not None
    with (made.target.migrations.directory / "env.py").open("a") as file:
        file.write("\nraise ValueError('after all')\n")
    outcome, _ = made.rehearse()
    assert "ValueError: after all" in named(outcome.findings, "rehearsal-ends-badly").actual


def test_an_application_that_has_its_own_idea_of_the_database(server: Bench, tmp_path: Path) -> None:
    """It would migrate the database itself while it is rehearsed: it must not get that far."""
    made = prepared(server, tmp_path, "op.create_table('a', sa.Column('id', sa.Integer))", "op.drop_table('a')")
    assert made.target.migrations is not None
    env = made.target.migrations.directory / "env.py"
    url = made.target.url.reveal()
    own = (
        url.replace("postgresql:", "postgresql+psycopg:")
        if server.postgres
        else f"mysql+pymysql:{url.partition(':')[2]}"
    )
    env.write_text(
        env.read_text().replace(
            "config = context.config", f"config = context.config\nconfig.set_main_option('sqlalchemy.url', {own!r})"
        )
    )
    outcome, _ = made.rehearse()
    assert "another database" in named(outcome.findings, "rehearsal-elsewhere").actual
    assert made.rows == {"r1"}
    assert server.password not in repr(outcome)


def test_a_backup_from_before_the_last_migration(server: Bench, tmp_path: Path) -> None:
    """The way back of production ends where production is, not where the backup was: else it would undo too much."""
    new = "op.create_table({!r}, sa.Column('id', sa.Integer))".format
    made = prepared(server, tmp_path, new("a"), "op.drop_table('a')")
    assert made.target.migrations is not None
    assert Runner(made.target.migrations, made.target.url).upgrade("r2").finished
    write_revision(made.target.migrations.directory, "r3", "r2", new("b"), "op.drop_table('b')")
    outcome, facts = made.rehearse()
    assert facts is not None
    assert (facts.current, facts.pending, facts.reached) == (("r2",), ("r3",), ("r3",))
    assert (facts.way_back.kind, facts.way_back.command) == ("downgrade", "alembic downgrade r2")
    assert [one.name.rpartition(".")[2] for one in facts.tables] == ["b"]
    assert ids(outcome.findings) == ["rehearsal-older-backup"]


def test_no_backup_is_no_rehearsal(server: Bench, tmp_path: Path) -> None:
    scripts = alembic_project(tmp_path / "app", {"r1": FIRST})
    outcome, facts = subject(server, scripts, tmp_path / "store").rehearse()
    assert (facts, ids(outcome.open)) == (None, ["rehearsal"])
    assert msgspec.json.encode(outcome.open)
