"""Histories that nobody here wrote: no rule says of them what is not so, and a fork in any of them is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alembic.script.revision import Revision as Node
from alembic.script.revision import RevisionMap

from dbops.migrations.graph_rules import judge_graph
from dbops.migrations.history import History, read
from dbops.model import Severity
from tests.inputs.histories import HISTORIES, Real, copy_to
from tests.inputs.missing import MissingInputError
from tests.needs import need
from tests.unit.migration_samples import write
from tests.unit.test_cli import dbops

pytestmark = pytest.mark.slow

# What is so: a merge of a revision with its own ancestor, twice, one of them with operations.
TRUE = {
    "langflow-base": [
        ("migration-merge-operates", "alembic/versions/3162e83e485f_add_auth_settings_to_folder_and_merge.py:23"),
        ("migration-merge-of-ancestor", "alembic/versions/3162e83e485f_add_auth_settings_to_folder_and_merge.py:16"),
        ("migration-merge-of-ancestor", "alembic/versions/c187c3b9bb94_merge_job_asset_and_sso_heads.py:14"),
    ]
}
BY_NAME = pytest.mark.parametrize("real", HISTORIES, ids=[one.name for one in HISTORIES])


def project(real: Real, to: Path) -> Path:
    try:
        return copy_to(real, to)
    except MissingInputError as error:
        need(f"{real.requirement} cannot be had: {error}")


def found(history: History) -> list[tuple[str, str]]:
    return [(one.id, one.subject) for one in judge_graph(history).findings if one.severity is not Severity.INFO]


@BY_NAME
def test_no_finding_that_is_not_so(real: Real, tmp_path: Path) -> None:
    folder = project(real, tmp_path)
    history = read(folder)
    assert len(history.revisions) >= real.revisions
    assert len(history.heads) == real.heads
    assert found(history) == TRUE.get(real.name, [])
    assert not judge_graph(history).not_evaluated
    assert len(history.pending(set())) == len(history.revisions)
    assert sum(bool(one.message) for one in history.revisions) > 0.9 * len(history.revisions)
    assert not [one for one in history.revisions if one.allowances]
    done = dbops(tmp_path, "gate", "--static", "--directory", str(folder), "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"]) == (0, "PASS"), done.stdout
    assert set(report["heads"]) == set(history.heads)


@BY_NAME
def test_heads_and_bases_are_those_of_alembic(real: Real, tmp_path: Path) -> None:
    history = read(project(real, tmp_path))
    nodes = [
        Node(one.id, one.down or None, dependencies=one.depends_on or None, branch_labels=one.labels)
        for one in history.revisions
    ]
    there = RevisionMap(lambda: nodes)
    assert (set(history.heads), set(history.bases)) == (set(there.heads), set(there.bases))


@BY_NAME
def test_a_fork_is_found(real: Real, tmp_path: Path) -> None:
    folder = project(real, tmp_path)
    before = read(folder)
    parent = before[before.pending(set())[real.revisions // 2].id]
    children = [one for one in before.revisions if parent.id in one.down]
    assert children, "somewhere in the middle"
    write((before.root / parent.path).parent, "forked0001", parent.id)
    new = [one for one in found(read(folder)) if one not in TRUE.get(real.name, [])]
    assert [kind for kind, _ in new] == ["migration-heads"]
    done = dbops(tmp_path, "gate", "--static", "--directory", str(folder))
    assert done.returncode == 3
    assert "migration-heads" in done.stdout
