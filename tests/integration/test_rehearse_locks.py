"""What a rehearsal sees of locks and rewrites, as far as each server shows them (cases 30 to 32)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.config import Seconds, Target
from dbops.config.urls import Secret
from dbops.errors import NothingToCheckError
from tests.migrating import NAMES, Bench, Rehearse, bench, ids, named, rehearsing
from tests.mysql_servers import MysqlServer


@pytest.fixture(scope="module", params=NAMES)
def server(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with bench(request.param) as running:
        yield running


@pytest.fixture
def rehearse(server: Bench, tmp_path: Path) -> Rehearse:
    return rehearsing(server, tmp_path)


MANY_ROWS = """
op.execute("create table n (n integer primary key)")
op.execute("insert into n values " + ", ".join(f"({number})" for number in range(300)))
op.execute("insert into customers (id) select 10 + a.n + 300 * b.n from n a join n b on b.n < 100")
"""
"""30 000, so that a copy of the table takes a while."""


WIDER = "op.alter_column('customers', 'id', type_=sa.BigInteger, existing_type=sa.Integer, existing_nullable=False)"
NARROWER = "op.alter_column('customers', 'id', type_=sa.Integer, existing_type=sa.BigInteger, existing_nullable=False)"


def test_a_type_change_rewrites_the_table(rehearse: Rehearse, server: Bench) -> None:
    outcome, facts = rehearse(WIDER, NARROWER, max_lock=Seconds(0))
    assert "customers is written anew" in named(outcome.findings, "rehearsal-rewrite").actual
    assert any("customers" in one for one in facts.statements[0].rewritten)
    if server.postgres:
        found = named(outcome.findings, "rehearsal-lock")
        assert "public.customers could be neither read nor written" in found.actual
        assert (facts.locks[0].table, facts.locks[0].mode) == ("public.customers", "AccessExclusiveLock")
        assert facts.locks[0].seconds >= facts.statements[0].seconds


def test_locks_that_only_a_look_from_beside_can_show(server: Bench, rehearse: Rehearse) -> None:
    """Each statement of MySQL and MariaDB is a transaction of its own, and so is PostgreSQL's in an autocommit block:
    the locks are gone before it could tell of them. The table is written anew row by row, and each row is slow."""
    if server.postgres:
        slow = "alter table customers alter town type varchar(41) using left(town, 40 + length(pg_sleep(0.2)::text))"
        up = f'with op.get_context().autocommit_block():\n    op.execute("{slow}")'
        wanted = ("public.customers", "AccessExclusiveLock", "reads")
    else:
        up = f"{MANY_ROWS}\nop.execute('alter table customers modify town varchar(41), algorithm=copy')"
        wanted = ("customers", "SHARED_NO_WRITE", "writes")
    outcome, facts = rehearse(up, max_lock=Seconds(0))
    [found] = [one for one in facts.locks if (one.table, one.mode, one.blocks) == wanted]
    [slow_one] = [one for one in facts.statements if "alter table" in one.sql]
    assert 0 < found.seconds <= slow_one.seconds
    assert found.sql == slow_one.sql
    assert (
        f"{wanted[0]} could "
        in named([one for one in outcome.findings if wanted[1] in one.actual], "rehearsal-lock").actual
    )
    assert "rehearsal-lock" in outcome.judged


MDL = "UPDATE performance_schema.setup_instruments SET enabled = '{}' WHERE name = 'wait/lock/metadata/sql/mdl'"


def test_locks_that_a_server_does_not_show_are_not_evaluated(server: Bench, rehearse: Rehearse) -> None:
    if server.dialect != "mysql":
        pytest.skip("only MySQL lets its instrument be switched off")
    server.execute("mysql", MDL.format("NO"))
    try:
        outcome, facts = rehearse("op.add_column('customers', sa.Column('x', sa.Integer))")
    finally:
        server.execute("mysql", MDL.format("YES"))
    assert (facts.locks, facts.unobserved) == ((), 1)
    [left] = [one for one in outcome.skipped if one.id == "rehearsal-lock"]
    assert left.reason.startswith("the locks of one statement were not seen: ")
    assert "rehearsal-lock" not in outcome.judged


def test_a_user_to_whom_no_locks_are_shown(server: Bench) -> None:
    if server.postgres:
        pytest.skip("PostgreSQL shows its locks to everybody")
    name = server.create()
    server.execute("mysql", "CREATE USER looker IDENTIFIED BY 'seer'", f"GRANT ALL ON `{name}`.* TO looker")
    assert isinstance(server.server, MysqlServer)
    target = Target(url=Secret(server.server.url(name, user="looker", password="seer")))
    with (
        pytest.raises(NothingToCheckError, match=r"denied|cannot be loaded"),
        app.open_engine(target).migrator().locks(),
    ):
        pass


def test_a_longer_text_does_not(rehearse: Rehearse) -> None:
    up = "op.alter_column('customers', 'town', type_=sa.String(60), existing_type=sa.String(40))"
    back = "op.alter_column('customers', 'town', type_=sa.String(40), existing_type=sa.String(60))"
    outcome, facts = rehearse(up, back)
    assert "rehearsal-rewrite" not in ids(outcome.findings)
    assert facts.statements[0].rewritten == ()


def test_rows_changed_under_a_lock(rehearse: Rehearse, server: Bench) -> None:
    sleep = "pg_sleep(1.1) is null" if server.postgres else "sleep(0.4) = 1"
    update = f"op.execute('update customers set town = town where id < 10 and not ({sleep})')"
    column = "op.add_column('customers', sa.Column('x', sa.Integer))\n"
    outcome, _ = rehearse(update, "op.execute('select 1')")
    assert "rehearsal-update-under-lock" not in ids(outcome.findings)
    outcome, _ = rehearse(column + update, "op.drop_column('customers', 'x')")
    if server.postgres:  # elsewhere the ALTER has committed, and blocks nobody any more
        assert "public.customers was blocked" in named(outcome.findings, "rehearsal-update-under-lock").actual
