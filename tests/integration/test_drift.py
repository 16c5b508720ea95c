"""Case 20: the live schema against what its revisions build, on PostgreSQL and MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.config import Target
from dbops.engine.base import VersionRows
from dbops.migrations.history import read
from dbops.ops.gate_drift import Drifter
from dbops.ops.gate_steps import Outcome
from dbops.ops.migration_ground import Ground
from dbops.sandbox.base import Sandbox
from tests.migration_apps import alembic_app, local_server, workshop

TABLES = """
op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.String(50)),
    sa.Column("age", sa.Integer), sa.CheckConstraint("age > 0", name="ck_age"))
op.create_index("ix_email", "users", ["email"])
"""
REVISIONS = {"root": (None, TABLES), "later": ("root", 'op.drop_column("users", "age")')}
CHANGED = {
    "a column by hand": (("ALTER TABLE users ADD phone VARCHAR(20)",), "phone"),
    "a type": (("ALTER TABLE users DROP COLUMN email", "ALTER TABLE users ADD email VARCHAR(80)"), "80"),
    "an index by hand": (("CREATE INDEX ix_hand ON users (age)",), "ix_hand"),
    "an index that is gone": (("DROP INDEX ix_email{on}",), "ix_email"),
    "a check that is gone": (("ALTER TABLE users DROP CONSTRAINT ck_age",), "ck_age"),
}
INNOCENT = {
    "nothing": (),
    "somebody else's table": (
        "CREATE TABLE another (id INT PRIMARY KEY, users INT)",
        "CREATE INDEX i ON another (users)",
    ),
    "rows": ("INSERT INTO users (id, email, age) VALUES (1, 'a', 2)",),
}


@pytest.fixture(scope="module", params=["postgres", "mariadb10.11"])
def server(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with local_server(request.param) as running:
        yield running


def judged(root: Path, server: Sandbox, cases: dict[str, tuple[str, ...]]) -> dict[str, Outcome]:
    """Each case is another database in which the first revision has run, changed by hand."""
    settings = alembic_app(root, REVISIONS)
    history = read(settings.directory)
    ground = Ground(history, version=VersionRows("alembic_version", True, frozenset({"root"})))
    scratch = app.scratch(server.about.engine, server.url)
    on = " ON users" if server.about.engine == "mariadb" else ""
    found = {}
    with workshop(settings, server, history) as shop:
        for case, statements in cases.items():
            with shop.database(["root"]) as live:
                with scratch.session(live.name) as session:
                    for statement in statements:
                        assert session.run(statement.format(on=on)) is None
                engine = app.open_engine(Target(url=live.url))
                found[case] = Drifter(shop, engine.migrator().definitions)(ground)
    return found


def test_20_what_was_changed_by_hand(tmp_path: Path, server: Sandbox) -> None:
    found = judged(tmp_path, server, {case: statements for case, (statements, _) in CHANGED.items()})
    for case, (_, name) in CHANGED.items():
        (finding,) = found[case].findings
        assert (finding.id, name in finding.actual) == ("migration-schema-drift", True), (case, finding)


def test_20_twin_what_is_none_of_its_business(tmp_path: Path, server: Sandbox) -> None:
    for case, outcome in judged(tmp_path, server, INNOCENT).items():
        assert (list(outcome.findings), outcome.judged, outcome.skipped) == ([], ["migration-schema-drift"], ()), case
