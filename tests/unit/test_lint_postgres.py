"""The SQL of pending revisions for PostgreSQL: each known case is found, and the nearly same that is fine is not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dbops.errors import NothingToCheckError
from dbops.migrations import lint_squawk
from dbops.migrations.history import History, read
from dbops.migrations.lint import Linted, lint
from dbops.migrations.lint_facts import Facts, sizes_of
from dbops.migrations.rules import RULES
from dbops.migrations.runner import NotRenderableError
from dbops.migrations.sql_revisions import read_sql
from dbops.model import Severity
from tests.unit.migration_samples import project, write

MB = 1 << 20
SIZES = sizes_of(
    [("public", "orders", 9_000_000, 2000 * MB), ("public", "countries", 200, MB), ("public", "empty", 0, MB)]
)
FACTS = Facts(sizes=SIZES, version="15.4")
HEAD = "BEGIN;\n\n-- Running upgrade a -> b\n\n"
TAIL = "\n\nUPDATE alembic_version SET version_num='b' WHERE alembic_version.version_num = 'a';\n\nCOMMIT;\n\n"


@pytest.fixture
def history(tmp_path: Path) -> History:
    return read(project(tmp_path, {"a": None, "b": "a"}))


def linted(
    history: History,
    sql: str,
    *,
    facts: Facts = FACTS,
    rewritten: Mapping[str, frozenset[str]] | None = None,
    unknown_is_open: bool = True,
) -> Linted:
    found, unreadable = read_sql([history["b"]], lambda *_: HEAD + sql + TAIL, "postgres", "alembic_version")
    return lint(history, found, unreadable, facts, "postgres", rewritten=rewritten, unknown_is_open=unknown_is_open)


OUTSIDE = "COMMIT;\n{}\nBEGIN;"

CASES = {
    # case: (id, what is found, its twin, in which it is not)
    "27 required": (
        "sql-required-column",
        "ALTER TABLE orders ADD COLUMN a integer NOT NULL;",
        "ALTER TABLE orders ADD COLUMN a integer DEFAULT 0 NOT NULL;",
    ),
    "27 not null": (
        "sql-not-null",
        "ALTER TABLE orders ALTER COLUMN a SET NOT NULL;",
        "ALTER TABLE orders ALTER COLUMN a DROP NOT NULL;",
    ),
    "28 unique": (
        "sql-unique",
        OUTSIDE.format("CREATE UNIQUE INDEX CONCURRENTLY u ON orders (a);"),
        OUTSIDE.format("CREATE INDEX CONCURRENTLY u ON orders (a);"),
    ),
    "28 constraint": (
        "sql-unique",
        "ALTER TABLE orders ADD CONSTRAINT u UNIQUE (a);",
        "ALTER TABLE orders ADD CONSTRAINT u UNIQUE USING INDEX i;",
    ),
    "29 not concurrent": (
        "sql-index-blocks",
        "CREATE INDEX i ON orders (a);",
        OUTSIDE.format("CREATE INDEX CONCURRENTLY i ON orders (a);"),
    ),
    "29 concurrent inside": (
        "sql-in-transaction",
        "CREATE INDEX CONCURRENTLY i ON orders (a);",
        OUTSIDE.format("CREATE INDEX CONCURRENTLY i ON orders (a);"),
    ),
    "29 drop": (
        "sql-index-drop",
        "DROP INDEX i;",
        OUTSIDE.format("DROP INDEX CONCURRENTLY i;"),
    ),
    "30 foreign key": (
        "sql-constraint",
        "ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES countries (id);",
        "ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES countries (id) NOT VALID;",
    ),
    "30 check": (
        "sql-constraint",
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (a > 0);",
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (a > 0) NOT VALID;",
    ),
    "30 inline": (
        "sql-constraint",
        "ALTER TABLE orders ADD COLUMN a integer DEFAULT 1 REFERENCES countries (id);",
        "ALTER TABLE orders ADD COLUMN a integer REFERENCES countries (id);",
    ),
    "31 type": (
        "sql-type-change",
        "ALTER TABLE orders ALTER COLUMN a TYPE bigint;",
        "ALTER TABLE orders ALTER COLUMN a SET DEFAULT 1;",
    ),
    "31 volatile default": (
        "sql-rewrite",
        "ALTER TABLE orders ADD COLUMN a uuid DEFAULT gen_random_uuid();",
        "ALTER TABLE orders ADD COLUMN a timestamptz DEFAULT now();",
    ),
    "32 update under lock": (
        "sql-update-locked",
        "ALTER TABLE orders ADD COLUMN a integer;\nUPDATE orders SET a = 1 WHERE b = 2;",
        "ALTER TABLE orders ADD COLUMN a integer;\nCOMMIT;\nUPDATE orders SET a = 1 WHERE b = 2;\nBEGIN;",
    ),
    "33 drop column": (
        "sql-drop",
        "ALTER TABLE orders DROP COLUMN a;",
        "ALTER TABLE orders ALTER COLUMN a DROP DEFAULT;",
    ),
    "33 drop table": ("sql-drop", "DROP TABLE orders;", "DROP VIEW v;"),
    "33 rename column": (
        "sql-rename",
        "ALTER TABLE orders RENAME a TO b;",
        "ALTER TABLE orders RENAME CONSTRAINT a TO b;",
    ),
    "33 rename table": ("sql-rename", "ALTER TABLE orders RENAME TO bills;", "ALTER INDEX i RENAME TO j;"),
    "36 update": ("sql-no-where", "UPDATE orders SET a = 'no WHERE here';", "UPDATE orders SET a = 1 WHERE a = 2;"),
    "36 where inside only": (
        "sql-no-where",
        "UPDATE orders SET a = (SELECT max(x) FROM t WHERE t.id = 1);",
        "UPDATE orders SET a = c.x FROM countries c WHERE c.id = orders.country;",
    ),
    "36 delete": ("sql-no-where", "DELETE FROM orders;", "DELETE FROM orders WHERE a = 2;"),
    "36 truncate": ("sql-truncate", "TRUNCATE orders;", "ANALYZE orders;"),
    "36 vacuum full": ("sql-rewrite", OUTSIDE.format("VACUUM FULL orders;"), OUTSIDE.format("VACUUM orders;")),
    "36 cluster": ("sql-rewrite", "CLUSTER orders USING i;", "ANALYZE orders;"),
    "36 lock": ("sql-lock-table", "LOCK TABLE orders;", "SET LOCAL lock_timeout = '5s';"),
    "36 trigger": (
        "sql-trigger",
        "CREATE TRIGGER g BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION f();",
        "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;",
    ),
    "36 enum": (
        "sql-enum-new",
        "ALTER TYPE state ADD VALUE 'paid';\nUPDATE orders SET s = 'paid' WHERE a = 1;",
        "COMMIT;\nALTER TYPE state ADD VALUE 'paid';\nBEGIN;\nUPDATE orders SET s = 'paid' WHERE a = 1;",
    ),
    "36 attach": (
        "sql-partition",
        "ALTER TABLE events ATTACH PARTITION orders FOR VALUES IN (1);",
        "CREATE TABLE p (a int);\nALTER TABLE events ATTACH PARTITION p FOR VALUES IN (1);",
    ),
    "36 detach": (
        "sql-partition",
        "ALTER TABLE events DETACH PARTITION p;",
        OUTSIDE.format("ALTER TABLE events DETACH PARTITION p CONCURRENTLY;"),
    ),
    "36 refresh": (
        "sql-rewrite",
        "REFRESH MATERIALIZED VIEW v;",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v;",
    ),
    "36 tablespace": (
        "sql-rewrite",
        "ALTER TABLE orders SET TABLESPACE fast;",
        "ALTER TABLE orders SET (fillfactor = 70);",
    ),
    "36 logged": ("sql-rewrite", "ALTER TABLE orders SET UNLOGGED;", "ALTER TABLE orders ALTER a SET STATISTICS 100;"),
    "36 vacuum inside": ("sql-in-transaction", "VACUUM orders;", OUTSIDE.format("VACUUM orders;")),
}


@pytest.mark.parametrize("case", CASES)
def test_each_case_and_its_innocent_twin(history: History, case: str) -> None:
    rule, guilty, innocent = CASES[case]
    found = linted(history, guilty)
    assert rule in [one.id for one in found.findings]
    assert not found.open
    twin = linted(history, innocent)
    assert rule not in [one.id for one in twin.findings]
    assert not twin.open


ABOUT_ROWS = [
    name
    for name, (rule, guilty, _) in CASES.items()
    if rule not in ("sql-in-transaction", "sql-enum-new", "sql-index-drop")
    and "events" not in guilty
    and " v;" not in guilty
]


@pytest.mark.parametrize("case", ABOUT_ROWS)
def test_what_is_done_to_a_table_that_is_new_harms_nobody(history: History, case: str) -> None:
    rule, guilty, _ = CASES[case]
    made = "CREATE TABLE orders (a integer, b integer, id integer);\n"
    assert rule not in [one.id for one in linted(history, made + guilty).findings]


def test_a_table_that_an_earlier_pending_revision_makes_is_new_too(tmp_path: Path) -> None:
    history = read(project(tmp_path, {"a": None, "b": "a", "c": "b"}))
    sql = (
        "BEGIN;\n-- Running upgrade a -> b\nCREATE TABLE bills (a integer);\nCOMMIT;\n"
        "BEGIN;\n-- Running upgrade b -> c\nCREATE INDEX i ON bills (a);\nCREATE INDEX j ON orders (a);\nCOMMIT;\n"
    )
    found, _ = read_sql([history["b"], history["c"]], lambda *_: sql, "postgres", "alembic_version")
    assert [len(one.steps) for one in found] == [1, 2]
    findings = lint(history, found, (), Facts(), "postgres").findings
    assert [one.actual.split(":")[0] for one in findings if one.id == "sql-index-blocks"] == [
        "CREATE INDEX j ON orders (a)"
    ]


ADDED = "ALTER TABLE orders ADD COLUMN n integer DEFAULT 0 NOT NULL;\n"
OF_NEW_COLUMNS = {
    # case: (rule, where it is so, where it is not)
    "dropped": (
        "sql-drop",
        ADDED + "ALTER TABLE orders DROP COLUMN n, DROP COLUMN old;",
        ADDED + "ALTER TABLE orders DROP COLUMN n;",
    ),
    "renamed": (
        "sql-rename",
        ADDED + "ALTER TABLE orders RENAME old TO o;",
        ADDED + 'ALTER TABLE orders RENAME n TO m;\nALTER TABLE orders RENAME COLUMN m TO "M";',
    ),
    "its default taken away": (
        "sql-required-column",
        ADDED + "ALTER TABLE orders ALTER COLUMN n DROP DEFAULT;",
        ADDED + "ALTER TABLE orders ALTER COLUMN n DROP NOT NULL;\nALTER TABLE orders ALTER COLUMN n DROP DEFAULT;",
    ),
    "filled, then required": (
        "sql-required-column",
        "ALTER TABLE orders ADD COLUMN n integer;\nALTER TABLE orders ALTER COLUMN n SET NOT NULL;",
        "ALTER TABLE orders ADD n integer DEFAULT 1;\nALTER TABLE orders ALTER n SET NOT NULL;",
    ),
    "a table made anew": (
        "sql-drop",
        "DROP TABLE orders;\nCREATE TABLE orders (a integer);",
        "CREATE TABLE bills (a integer);\nDROP TABLE bills;",
    ),
    "a table that was there": (
        "sql-drop",
        "CREATE TABLE IF NOT EXISTS orders (a integer);\nALTER TABLE orders DROP COLUMN a;",
        "CREATE TABLE IF NOT EXISTS bills (a integer);\nALTER TABLE bills DROP COLUMN a;",
    ),
    "a table that took another's name": (
        "sql-no-where",
        "CREATE TABLE b (a integer);\nALTER TABLE b RENAME TO c;\nUPDATE b SET a = 1;",
        "CREATE TABLE b (a integer);\nALTER TABLE b RENAME TO c;\nUPDATE c SET a = 1;",
    ),
}


@pytest.mark.parametrize("case", OF_NEW_COLUMNS)
def test_what_no_release_knows_yet_is_told_from_what_one_uses(history: History, case: str) -> None:
    rule, guilty, innocent = OF_NEW_COLUMNS[case]
    assert rule in [one.id for one in linted(history, guilty).findings]
    assert rule not in [one.id for one in linted(history, innocent).findings]


def test_a_column_that_becomes_required_is_no_matter_where_no_release_runs(history: History) -> None:
    sql = ADDED + "ALTER TABLE orders ALTER COLUMN n DROP DEFAULT;"
    (one,) = linted(history, sql).findings
    assert one.severity is Severity.WARNING
    assert not linted(history, sql, facts=FACTS._replace(stopped=True)).findings


def test_size_decides_what_work_under_a_lock_weighs(history: History) -> None:
    def severity(table: str, *, stopped: bool = False) -> Severity:
        given = Facts(sizes=SIZES, version="15", stopped=stopped)
        (one,) = linted(history, f"CREATE INDEX i ON {table} (a);", facts=given).findings
        return one.severity

    assert severity("orders") is Severity.ERROR
    assert severity("public.orders") is Severity.ERROR
    assert severity("orders", stopped=True) is Severity.WARNING
    assert severity("unheard_of") is Severity.WARNING
    assert severity("countries") is Severity.INFO
    assert severity("empty") is Severity.INFO


def test_a_type_that_was_tried_is_judged_by_what_the_server_did(history: History) -> None:
    sql = "ALTER TABLE orders ALTER COLUMN a TYPE varchar(100);"
    assert [one.id for one in linted(history, sql).findings] == ["sql-type-change"]
    assert not linted(history, sql, rewritten={"b": frozenset()}).findings
    (one,) = linted(history, sql, rewritten={"b": frozenset({"public.orders"})}).findings
    assert "tried on a scratch server" in one.actual


def test_what_is_not_known_is_open_and_never_fine(history: History) -> None:
    sql = "DO $$ BEGIN DELETE FROM orders; END $$;\nALTER TABLE orders ADD COLUMN a integer NOT NULL;"
    found = linted(history, sql)
    assert [one.id for one in found.findings] == ["sql-required-column"], "and all else is judged"
    assert [one.id for one in found.open] == ["lint"]
    assert "DO $$" in found.open[0].reason
    seen = linted(history, sql, unknown_is_open=False)
    assert (seen.open, len(seen.skipped)) == ((), 1)


def test_what_is_said_twice_is_told_once(history: History) -> None:
    trigger = "CREATE TRIGGER t BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION g();"
    found = linted(history, f"{trigger}\nSELECT f();\nSELECT f();")
    assert [one.id for one in found.findings] == ["sql-trigger"]
    assert found.open[0].reason.count("SELECT f()") == 1


def test_one_statement_that_squawk_cannot_read_hides_no_other(history: History) -> None:
    found = linted(history, "ALTER TABLE orders ADD ADD;\nALTER TABLE orders ADD COLUMN a integer NOT NULL;")
    assert [one.id for one in found.findings] == ["sql-required-column"]
    assert "ADD ADD" in found.open[0].reason


def test_what_cannot_be_rendered_is_not_analysable_unless_it_was_captured(history: History) -> None:
    def refuse(*_: str) -> str:
        raise NothingToCheckError("it reads from the database")

    found, unreadable = read_sql([history["b"]], refuse, "postgres", "alembic_version")
    result = lint(history, found, unreadable, Facts(), "postgres")
    assert not result.findings
    assert result.open[0].reason == "versions/b_x.py: not analysable: it reads from the database"
    captured = {"b": ["DELETE FROM orders", "UPDATE alembic_version SET version_num='b'"]}
    found, unreadable = read_sql([history["b"]], refuse, "postgres", "alembic_version", captured)
    assert not unreadable
    assert [one.id for one in lint(history, found, unreadable, Facts(), "postgres").findings] == ["sql-no-where"]


def test_revisions_that_cannot_be_rendered_leave_the_others(tmp_path: Path) -> None:
    """Each costs one more start of the application, and no more."""
    names = "abcdefgh"
    history = read(project(tmp_path, {"z": None} | dict(zip(names, "z" + names, strict=False))))
    starts: list[tuple[str, str]] = []

    def render(start: str, end: str) -> str:
        starts.append((start, end))
        made = ""
        for name in names[names.find(start) + 1 : names.find(end) + 1]:
            made += f"BEGIN;\n-- Running upgrade x -> {name}\nDELETE FROM t{name};\n"
            if name in "cdh":
                error = NotRenderableError("it reads from the database")
                error.revision, error.sql = name, made
                raise error
            made += "COMMIT;\n"
        return made

    pending = [history[name] for name in names]
    found, unreadable = read_sql(pending, render, "postgres", "alembic_version")
    assert [(one.revision.id, [step.statement.text for step in one.steps]) for one in found] == [
        (name, [f"DELETE FROM t{name}"]) for name in "abefg"
    ]
    assert [one.revision.id for one in unreadable] == ["c", "d", "h"]
    assert starts == [("z", "h"), ("c", "h"), ("d", "h")]


def test_an_application_that_does_not_start_is_started_once(tmp_path: Path) -> None:
    history = read(project(tmp_path, {"a": None, "b": "a", "c": "b"}))
    starts: list[str] = []

    def render(start: str, _: str) -> str:
        starts.append(start)
        raise NotRenderableError("no module named shop")

    found, unreadable = read_sql(list(history.revisions), render, "postgres", "alembic_version")
    assert (found, [one.reason for one in unreadable]) == ((), ["no module named shop"] * 3)
    assert starts == ["base"]


def test_without_squawk_lint_is_open(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise NothingToCheckError("squawk is not installed", hint="pip install squawk-cli")

    monkeypatch.setattr(lint_squawk, "program", missing)
    found = linted(history, "DELETE FROM orders;")
    assert "pip install squawk-cli" in found.open[0].reason


def test_findings_name_the_line_that_they_come_from(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a": None})
    upgrade = (
        "op.create_index('ix_orders_a', 'orders', ['a'])\n"
        "    with op.batch_alter_table('orders') as batch:\n"
        "        batch.drop_column('b')\n"
        "    op.execute('DELETE FROM orders')"
    )
    write(folder / "versions", "b", "a", upgrade=upgrade)
    history = read(folder)
    sql = "CREATE INDEX ix_orders_a ON orders (a);\nALTER TABLE orders DROP COLUMN b;\nDELETE FROM orders;"
    text = (folder / "versions" / "b_x.py").read_text().splitlines()
    for one in linted(history, sql).findings:
        if one.id in ("sql-index-blocks", "sql-drop", "sql-no-where"):
            line = text[int(one.subject.rpartition(":")[2]) - 1]
            wanted = {"sql-index-blocks": "create_index", "sql-drop": "drop_column", "sql-no-where": "DELETE"}[one.id]
            assert wanted in line


def test_a_line_is_not_told_by_names_alone(tmp_path: Path) -> None:
    """A batch names its table above; and rows are not changed where a column is, whatever both are called."""
    folder = project(tmp_path, {"a": None})
    upgrade = (
        "op.execute('UPDATE orders SET score = total')\n"
        "    for table in ('orders', 'countries'):\n"
        "        pass\n"
        "    with op.batch_alter_table('orders') as batch:\n"
        "        batch.alter_column('score', nullable=False)  # orders\n"
        "    with op.batch_alter_table('countries') as batch:\n"
        "        batch.alter_column('score', nullable=False)  # countries\n"
        "    op.execute(reset_score())"
    )
    write(folder / "versions", "b", "a", upgrade=upgrade)
    history = read(folder)
    text = (folder / "versions" / "b_x.py").read_text().splitlines()

    def lines(sql: str, rule: str) -> list[str]:
        found = linted(history, sql).findings
        return [text[int(one.subject.rpartition(":")[2]) - 1].strip() for one in found if one.id == rule]

    for table in ("orders", "countries"):
        (line,) = lines(f"ALTER TABLE {table} ALTER COLUMN score SET NOT NULL;", "sql-not-null")
        assert line.endswith(f"# {table}")
    assert lines("UPDATE orders SET score = total;", "sql-no-where") == [
        "op.execute('UPDATE orders SET score = total')"
    ]
    assert lines("DELETE FROM countries;", "sql-no-where") == ["def upgrade():"]


def test_every_rule_of_squawk_that_counts_is_one_of_ours() -> None:
    assert {*lint_squawk.RULES.values()} <= {one.id for one in RULES.values() if one.step == "lint"}
