"""What is allowed for a time: by whom, why, until when; in `dbops.toml` or beside the operation."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dbops.config import Suppress
from dbops.config.file import load
from dbops.errors import ConfigError
from dbops.migrations.history import read
from dbops.migrations.rules import RULES
from dbops.migrations.suppressions import check_settings
from dbops.model import Severity, Verdict
from dbops.ops.gate import Settings, gate
from dbops.ops.migration_ground import Ground
from dbops.ops.migration_report import MigrationReport
from tests.unit.migration_samples import OPERATION, project, write

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RULE = "migration-downgrade-empty"
ALLOW = f"# dbops: allow {RULE} until 2027-01-31 by ana: the column stays"


def run(folder: Path, *suppress: Suppress, rules: dict[str, str] | None = None, now: datetime = NOW) -> MigrationReport:
    history = read(folder)
    ground = Ground(history, base="main", new=frozenset(one.id for one in history.revisions))
    return gate(ground, Settings(rules or {}, suppress), clock=lambda: now)


def ids(report: MigrationReport) -> list[str]:
    return [one.id for one in report.findings]


def allowed(rule: str = RULE, revision: str = "b", expires: date = date(2027, 1, 31)) -> Suppress:
    return Suppress(rule=rule, revision=revision, reason="the column stays", owner="ana", expires=expires)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`b` has no way back, `a` has one."""
    made = project(tmp_path, {"a": None}, downgrade="op.drop_column('t', 'c')")
    write(made / "versions", "b", "a")
    return made


def test_without_one_it_is_a_finding(folder: Path) -> None:
    assert ids(run(folder)) == [RULE]


@pytest.mark.parametrize("revision", ["b", "versions/b_x.py", "versions/b_x.py:23"])
def test_by_the_configuration(folder: Path, revision: str) -> None:
    report = run(folder, allowed(revision=revision))
    assert report.findings == ()
    (one,) = report.suppressed
    assert (one.finding.id, one.by.owner, one.by.where, str(one.by.expires)) == (
        RULE,
        "ana",
        "dbops.toml",
        "2027-01-31",
    )


@pytest.mark.parametrize(
    ("downgrade", "holds"),
    [
        (f"pass  {ALLOW}", True),
        (f"{ALLOW}\n    pass", True),
        (f"pass\n    {ALLOW}\n    pass", False),
        ('"""x"""\n    pass  # dbops: allow migration-heads until 2027-01-31 by ana: no', False),
    ],
)
def test_beside_the_operation_and_nowhere_else(folder: Path, downgrade: str, holds: bool) -> None:
    write(folder / "versions", "b", "a", downgrade=downgrade)
    report = run(folder)
    assert (ids(report) == []) is holds
    if holds:
        assert report.suppressed[0].by.where.startswith("versions/b_x.py:2")


def test_above_a_function_it_holds_for_all_of_it(folder: Path) -> None:
    path = folder / "versions" / "b_x.py"
    path.write_text(path.read_text().replace("def downgrade", f"{ALLOW}\ndef downgrade"))
    assert ids(run(folder)) == []


def test_a_text_that_only_looks_like_one(folder: Path) -> None:
    write(folder / "versions", "b", "a", upgrade=f'{OPERATION}\n    x = "{ALLOW}"')
    assert ids(run(folder)) == [RULE]


@pytest.mark.parametrize(
    ("comment", "why"),
    [
        (f"# dbops: allow {RULE} until 2027-01-31 by ana", "no reason"),
        (f"# dbops: allow {RULE} until 2027-01-31: because", "no owner"),
        (f"# dbops: allow {RULE} by ana: because", "no expiry"),
        (f"# dbops: allow {RULE}", "no expiry, no owner, no reason"),
        ("# dbops: ignore", "no rule"),
        (f"# dbops: allow {RULE} until soon by ana: because", "soon is no date"),
        ("# dbops: allow migration-nothing until 2027-01-31 by ana: x", "no rule migration-nothing"),
        ("# dbops: allow migration-cycle until 2027-01-31 by ana: x", "cannot be suppressed"),
    ],
)
def test_one_that_lacks_something_is_an_error(folder: Path, comment: str, why: str) -> None:
    write(folder / "versions", "b", "a", downgrade=f"pass  {comment}")
    report = run(folder)
    assert report.verdict is Verdict.FAIL
    (wrong,) = [one for one in report.findings if one.id == "migration-suppression-wrong"]
    assert why in wrong.actual
    assert wrong.subject == "versions/b_x.py:23"
    assert RULE in ids(report), "it suppresses nothing"


def test_one_below_everything_is_an_error(folder: Path) -> None:
    path = write(folder / "versions", "b", "a")
    path.write_text(f"{path.read_text()}{ALLOW}\n")
    (wrong,) = [one for one in run(folder).findings if one.id == "migration-suppression-wrong"]
    assert "no statement is below it" in wrong.actual


def test_an_expired_one_suppresses_nothing_and_is_a_finding(folder: Path) -> None:
    last = datetime(2027, 1, 31, 23, 59, tzinfo=UTC)
    assert ids(run(folder, allowed(), now=last)) == []
    report = run(folder, allowed(), now=datetime(2027, 2, 1, tzinfo=UTC))
    assert ids(report) == [RULE, "migration-suppression-expired"]
    assert report.suppressed == ()


def test_an_unused_one_is_a_notice(folder: Path) -> None:
    report = run(folder, allowed(), allowed(revision="a"))
    assert [(one.id, one.severity) for one in report.findings] == [("migration-suppression-unused", Severity.INFO)]
    assert report.verdict is Verdict.PASS


def test_twin_one_whose_rule_was_not_judged_is_not_unused(folder: Path) -> None:
    assert ids(run(folder, allowed(), allowed(rule="migration-database-rows", revision="alembic_version"))) == []


def test_rules_are_weighed_by_the_settings(folder: Path) -> None:
    assert run(folder, rules={RULE: "error"}).verdict is Verdict.FAIL
    report = run(folder, rules={RULE: "off"})
    assert report.findings == ()
    assert RULE not in report.evaluated
    assert (RULE, "switched off in dbops.toml") in {(one.id, one.reason) for one in report.not_evaluated}


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"migration-headz": "off"}, "no rule 'migration-headz'"),
        ({"migration-heads": "never"}, "unknown value"),
        ({"migration-cycle": "off"}, "cannot be switched off"),
    ],
)
def test_settings_that_cannot_be(rules: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_settings(rules, [], "targets.shop.migrations")


def test_a_suppression_of_a_rule_that_must_stand() -> None:
    with pytest.raises(ConfigError, match=r"suppress\[0\].rule: this rule cannot be suppressed"):
        check_settings({}, [allowed(rule="migration-cycle")], "targets.shop.migrations")
    with pytest.raises(ConfigError, match="no rule 'x'"):
        check_settings({}, [allowed(rule="x")], "targets.shop.migrations")


TOML = """
[targets.shop]
url = "postgresql://h/shop"
[targets.shop.migrations]
kind = "alembic"
directory = "migrations"
version_schema = "app"
rules = {{ migration-heads = "warning" }}
[[targets.shop.migrations.suppress]]
{lines}
"""
LINES = {
    "rule": '"migration-downgrade-empty"',
    "revision": '"b"',
    "reason": '"the column stays"',
    "owner": '"ana"',
    "expires": "2027-01-31",
}


def configured(tmp_path: Path, **changes: str | None) -> Suppress:
    lines = "\n".join(f"{name} = {value}" for name, value in {**LINES, **changes}.items() if value is not None)
    (tmp_path / "dbops.toml").write_text(TOML.format(lines=lines))
    migrations = load(environment={}, folder=tmp_path, need_store=False).targets["shop"].migrations
    assert migrations is not None
    assert (migrations.version_table, migrations.version_schema) == ("alembic_version", "app")
    return migrations.suppress[0]


def test_keys_of_a_suppression(tmp_path: Path) -> None:
    assert configured(tmp_path) == allowed()
    assert configured(tmp_path, expires='"2027-01-31"') == allowed()


@pytest.mark.parametrize("key", LINES)
def test_a_suppression_without_a_key_is_an_error(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        configured(tmp_path, **{key: None})
    assert f"the key '{key}' is missing" in raised.value.message
    with pytest.raises(ConfigError) as raised:
        configured(tmp_path, **{key: '""'})
    assert f"suppress[0].{key}" in raised.value.message


def test_every_rule_says_why_and_what_to_do() -> None:
    for rule in RULES.values():
        assert rule.id.startswith(("migration-", "sql-", "rehearsal-"))
        assert rule.why.endswith(".")
        assert len(rule.fix) >= 10
