"""The example application walks the runbook's section on migrations: pending, backup, upgrade, validation, a conflict,
its merge."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.migrating import Bench, Project, bench
from tests.restoring import ROOT

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "examples" / "finance-app"
BRANCH = '''"""{name}"""

import sqlalchemy as sa
from alembic import op

revision = {id!r}
down_revision = "3c62c0de0003"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column({table!r}, sa.Column({column!r}, sa.String(40)))


def downgrade():
    op.drop_column({table!r}, {column!r})
'''


class Finance(Project):
    """With the example's own configuration; only the place of the throw-away server is added."""

    def configure(self, more: str = "", migrations: str = "") -> None:
        text = (EXAMPLE / "dbops.toml").read_text()
        (self.folder / "dbops.toml").write_text(f'{text}\n[targets.finance.drill]\nsandbox = "{self.empty}"\n')
        (self.folder / "dbops.toml").chmod(0o600)

    def raw(self, *arguments: str, **environment: str) -> Any:
        own = {"DATABASE_URL": self.bench.url(self.name), "FINANCE_STORE": str(self.folder / "store")}
        return super().raw(*arguments, **own, **environment)


@pytest.fixture(scope="module", params=["postgres", "mariadb10.11"])
def server(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with bench(request.param) as running:
        yield running


def branch(finance: Finance, name: str, table: str, column: str) -> None:
    text = BRANCH.format(name=f"{column} of {table}", id=name, table=table, column=column)
    (finance.folder / "migrations" / "versions" / f"{name}_{column}.py").write_text(text)


def test_the_runbook(server: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "finance-app"
    shutil.copytree(EXAMPLE, folder)
    finance = Finance(server, folder, kind="flask-migrate")

    # The first deploy, up to the second revision; then the application is used.
    finance.run("migrate", "--yes", "--to", "2b51c0de0002")
    finance.execute(
        "INSERT INTO customers (id, name) VALUES (1, 'Forn Vell'), (2, 'Cal Joan')",
        "INSERT INTO invoices (id, customer_id, issued_on, total) VALUES (10, 1, '2026-05-02', 120.50)",
        "INSERT INTO payments (id, invoice_id, paid_on, amount) VALUES (100, 10, '2026-05-09', 120.50)",
    )

    # What is pending?
    status = finance.run("status")
    assert (status["standing"], [one["id"] for one in status["pending"]]) == ("behind", ["3c62c0de0003"])

    # A backup, and go or no-go.
    finance.run("backup")
    report = finance.run("migrate", "--dry-run", "--html", "report.html")
    assert [one["id"] for one in report["findings"] if one["severity"] == "error"] == []
    assert report["rehearsal"]["way_back"]["kind"] == "downgrade"
    page = (folder / "report.html").read_text()
    assert "Way back" in page
    assert "flask db downgrade 2b51c0de0002" in page

    # The upgrade, and its validation.
    report = finance.run("migrate", "--yes")
    assert (report["verdict"], report["current"]) == ("PASS", ["3c62c0de0003"])
    assert finance.rows("SELECT id, currency FROM invoices") == [(10, "EUR")]
    assert finance.run("status")["standing"] == "at-head"
    finance.run("backup")
    assert finance.run("drill", f"--sandbox={finance.empty}")["verdict"] == "PASS"

    # Two branches meet.
    branch(finance, "4d00c0de000a", "customers", "phone")
    branch(finance, "4d00c0de000b", "invoices", "note")
    gate = finance.run("gate", code=3)
    assert "migration-heads" in [one["id"] for one in gate["findings"]]
    refused = finance.run("migrate", "--yes", code=3)
    assert refused["current"] == ["3c62c0de0003"]

    # Their merge.
    merged = finance.run("merge", "--message", "both")
    assert merged["verdict"] == "PASS"
    report = finance.run("migrate", "--yes")
    assert report["verdict"] == "PASS"
    assert {"4d00c0de000a", "4d00c0de000b"} < set(report["provenance"]["applied"])
    assert finance.rows("SELECT phone FROM customers WHERE id = 1") == [(None,)]
    assert finance.run("status")["standing"] == "at-head"
