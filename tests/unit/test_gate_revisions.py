"""Cases 34 and 37: what the text of a revision shows of its way back, and what it does not show."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops.migrations import revision_rules
from dbops.migrations.graph_rules import Judged
from dbops.migrations.history import History, read
from dbops.migrations.values import Downgrade
from dbops.model import NotEvaluated, Severity
from tests.unit.migration_samples import OPERATION, project, write


def one(tmp_path: Path, **changes: str) -> History:
    folder = project(tmp_path, {})
    write(folder / "versions", "a", **changes)
    return read(folder)


def downgrades(history: History) -> Judged:
    return revision_rules.downgrades(history, history.revisions)


def hidden(history: History) -> tuple[NotEvaluated, ...]:
    return revision_rules.hidden(history, history.revisions)


@pytest.mark.parametrize("body", ["pass", "...", '"""Nothing."""', "return", "return None", "print('no')", "x = 1"])
def test_34_a_downgrade_that_does_nothing(tmp_path: Path, body: str) -> None:
    found = downgrades(one(tmp_path, downgrade=body))
    assert [(item.id, item.severity, item.subject) for item in found.findings] == [
        ("migration-downgrade-empty", Severity.WARNING, "versions/a_x.py:23")
    ]
    assert not found.not_evaluated


@pytest.mark.parametrize(
    "body",
    [
        "op.drop_column('t', 'c')",
        "with op.batch_alter_table('t') as batch_op:\n        batch_op.drop_column('c')",
        "bind = op.get_bind()\n    bind.execute('x')",
        "for name in ('a', 'b'):\n        op.drop_table(name)",
        "if True:\n        op.execute('x')",
    ],
)
def test_34_twin_a_way_back(tmp_path: Path, body: str) -> None:
    found = downgrades(one(tmp_path, downgrade=body))
    assert found == ((), ())


def test_34_twin_nothing_is_to_be_undone(tmp_path: Path) -> None:
    assert downgrades(one(tmp_path, upgrade="pass", downgrade="pass")) == ((), ())


def test_34_no_downgrade_at_all_is_no_promise_of_one(tmp_path: Path) -> None:
    """Alembic stops there, before it has done anything."""
    folder = project(tmp_path, {"a": None})
    path = folder / "versions" / "a_x.py"
    path.write_text(path.read_text().partition("def downgrade")[0])
    (found,) = downgrades(read(folder)).findings
    assert (found.id, found.severity) == ("migration-downgrade-refuses", Severity.INFO)
    assert (found.actual.partition(",")[0], found.subject) == ("a has no downgrade()", "versions/a_x.py:12")
    path.write_text(path.read_text() + "\nfrom elsewhere import downgrade\n")
    assert read(folder).bodies("a").downgrade is Downgrade.HIDDEN


def test_34_a_refusal_says_so_itself(tmp_path: Path) -> None:
    (found,) = downgrades(one(tmp_path, downgrade="raise NotImplementedError('no way back')")).findings
    assert (found.id, found.severity) == ("migration-downgrade-refuses", Severity.INFO)


@pytest.mark.parametrize("body", ["undo(op)", "helpers.drop_column('t', 'c')", "undo(1)\n    undo(2)"])
def test_37_a_downgrade_elsewhere_is_neither_good_nor_bad(tmp_path: Path, body: str) -> None:
    found = downgrades(one(tmp_path, downgrade=body))
    assert not found.findings
    assert [item.id for item in found.not_evaluated] == ["migration-downgrade-empty"]
    assert "versions/a_x.py:23" in found.not_evaluated[0].reason


def test_37_a_helper_is_not_analysable(tmp_path: Path) -> None:
    (item,) = hidden(one(tmp_path, upgrade=f"{OPERATION}\n    helpers.add_column('t', 'c')"))
    assert "not analysable" in item.reason
    assert "versions/a_x.py:20 helpers.add_column()" in item.reason


@pytest.mark.parametrize(
    "body", [OPERATION, "print('x')", "logger.info('x')", "bind = op.get_bind()\n    bind.execute(sa.text('x'))"]
)
def test_37_twin_all_is_in_sight(tmp_path: Path, body: str) -> None:
    assert hidden(one(tmp_path, upgrade=body)) == ()


def test_op_under_another_name(tmp_path: Path) -> None:
    imported = one(tmp_path, imports="from alembic import op as o", upgrade="o.drop_table('t')", downgrade="o.x()")
    assert (imported.bodies("a").hidden, imported.bodies("a").downgrade) == ("", Downgrade.WORKS)


def test_the_hash_does_not_hang_on_the_ends_of_lines(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a": None})
    before = read(folder)["a"]
    path = folder / "versions" / "a_x.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read(folder)["a"] == before
