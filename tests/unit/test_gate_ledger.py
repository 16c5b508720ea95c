"""Cases 17 and 18: the ledger of what ran against the files, each with its innocent twin."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dbops.engine.base import VersionRows
from dbops.engine.migrating import Intent
from dbops.migrations.history import History, read
from dbops.migrations.ledger import LedgerEntry
from dbops.migrations.ledger_rules import judge_ledger
from dbops.model import Finding, Severity
from dbops.ops.gate_steps import ledger as step
from dbops.ops.migration_ground import Ground
from tests.unit.migration_samples import Down, project, write

AT = datetime(2026, 11, 24, 2, 45, tzinfo=UTC)
LINE: dict[str, Down] = {"a": None, "b": "a", "c": "b"}


def ledger(history: History, names: Iterable[str] | None = None) -> list[LedgerEntry]:
    """What `migrate` would have written."""
    return [
        LedgerEntry(
            id=one.id,
            parents=history.graph.needs[one.id],
            file_hash=one.sha256,
            applied_at=AT,
            dbops_version="0",
            duration=0.1,
        )
        for one in history.revisions
        if names is None or one.id in names
    ]


def moved(folder: Path, name: str, down: Down, **changes: Any) -> None:
    write(folder / "versions", name, down, **changes)


def only(found: list[Finding], kind: str) -> Finding:
    assert [one.id for one in found] == [kind], found
    return found[0]


def test_nothing_was_changed(tmp_path: Path) -> None:
    history = read(project(tmp_path, LINE))
    assert judge_ledger(history, {"c"}, ledger(history)) == []


def test_17_a_revision_inserted_under_an_applied_one(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    before = ledger(read(folder))
    moved(folder, "x", "a")
    moved(folder, "b", "x")
    found = only(judge_ledger(read(folder), {"c"}, before), "migration-never-runs")
    assert (found.severity, found.subject) == (Severity.ERROR, "versions/b_x.py:13")
    assert "x never ran here, and never will" in found.actual
    assert read(folder).pending({"c"}) == (), "Alembic has nothing to run"


def test_17_inserted_as_a_new_base_and_as_a_dependency(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    before = ledger(read(folder))
    moved(folder, "x", None)
    moved(folder, "a", "x")
    only(judge_ledger(read(folder), {"c"}, before), "migration-never-runs")
    moved(folder, "a", None)
    moved(folder, "b", "a", depends_on="x")
    only(judge_ledger(read(folder), {"c"}, before), "migration-never-runs")


def test_17_a_branch_merged_below_an_applied_revision(tmp_path: Path) -> None:
    folder = project(tmp_path, {**LINE, "d": "a"})
    before = ledger(read(folder), "abc")
    moved(folder, "c", ("b", "d"))
    found = only(judge_ledger(read(folder), {"c"}, before), "migration-never-runs")
    assert "d never ran" in found.actual


def test_17_twin_put_on_top(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    before = ledger(read(folder))
    moved(folder, "x", "c")
    assert judge_ledger(read(folder), {"c"}, before) == []


def test_17_twin_applied_by_hand(tmp_path: Path) -> None:
    """`b` was applied without dbops: no entry is not 'never ran', since `c` was written down as standing on it."""
    history = read(project(tmp_path, LINE))
    assert judge_ledger(history, {"c"}, ledger(history, "ac")) == []
    assert judge_ledger(history, {"c"}, ledger(history, "c")) == []
    assert judge_ledger(history, {"c"}, []) == []


def test_17_twin_what_is_not_applied_may_move(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    before = ledger(read(folder), "ab")
    moved(folder, "x", "b")
    moved(folder, "c", "x")
    assert judge_ledger(read(folder), {"b"}, before) == []


def test_17_applied_revisions_in_another_order(tmp_path: Path) -> None:
    folder = project(tmp_path, {**LINE, "d": "c"})
    before = ledger(read(folder))
    moved(folder, "c", "a")
    moved(folder, "b", "c")
    moved(folder, "d", "b")
    found = judge_ledger(read(folder), {"d"}, before)
    assert {(one.id, one.severity) for one in found} == {("migration-reparented", Severity.WARNING)}


def test_18_an_applied_file_edited_since(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    before = ledger(read(folder))
    moved(folder, "b", "a", upgrade="op.drop_table('t')")
    found = only(judge_ledger(read(folder), {"c"}, before), "migration-edited")
    assert found.subject == "versions/b_x.py:12"
    assert "2026-11-24" in found.expected


def test_18_twin_one_that_has_not_run(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    before = ledger(read(folder))
    moved(folder, "c", "b", upgrade="op.drop_table('t')")
    assert judge_ledger(read(folder), {"b"}, before) == [], "it was taken back since"


def test_the_ledger_tells_ahead_from_unknown(tmp_path: Path) -> None:
    folder = project(tmp_path, LINE)
    newer = read(folder)
    (folder / "versions" / "c_x.py").unlink()
    older = read(folder)
    assert older.relation({"c"}).standing.value == "unknown"
    applied = {one.id: one.parents for one in ledger(newer)}
    assert older.relation({"c"}, applied).standing.value == "ahead"


def test_41_killed_in_its_first_run_a_migration_leaves_a_note_and_no_ledger(tmp_path: Path) -> None:
    """On MySQL and MariaDB the two are tables of their own, and the ledger's is made when something has run."""
    history = read(project(tmp_path, {"a": None, "b": "a"}))
    version = VersionRows("alembic_version", True, frozenset({"a"}))
    begun = datetime(2026, 11, 24, 2, 45, tzinfo=UTC)
    intent = Intent(revisions=("b",), begun_at=begun, backup="20261124T024500Z", dbops_version="1")
    outcome = step(Ground(history, version=version, ledger=None, intent=intent))
    assert [one.id for one in outcome.findings] == ["migration-interrupted"]
    assert "b is left" in outcome.findings[0].actual
    twin = step(Ground(history, version=version, ledger=None))
    assert (twin.findings, [one.id for one in twin.skipped]) == ((), ["ledger"])
