"""Histories that nobody here wrote: large open projects, from their wheels. No rule says of them what is not so."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dbops.migrations.graph_rules import judge_graph
from dbops.migrations.history import History, read
from dbops.model import Severity
from tests.inputs import MissingInputError
from tests.inputs.debian import cache, made_once
from tests.needs import need
from tests.unit.migration_samples import write

pytestmark = pytest.mark.slow

# Requirement, where its settings are, how many revisions it has, and how many heads.
PROJECTS = [
    ("apache-airflow-core==3.3.2", "airflow", 100, 1),
    ("arize-phoenix==20.26.1", "phoenix/db", 35, 1),
    ("ckan==2.12.0", "ckan/migration", 109, 1),
    ("galaxy-data==26.1.2", "galaxy/model/migrations", 82, 2),
    ("langflow-base==1.13.0", "langflow", 162, 1),
    ("mlflow-skinny==3.17.2", "mlflow/store/db_migrations", 50, 1),
    ("open-webui==0.12.4", "open_webui", 66, 1),
    ("optuna==5.0.0", "optuna/storages/_rdb", 10, 1),
    ("privacyidea==3.14", "privacyidea/migrations", 110, 1),
]
# What is so: a merge of a revision with its own ancestor, twice, one of them with operations.
TRUE = {
    "langflow-base": [
        ("migration-merge-operates", "alembic/versions/3162e83e485f_add_auth_settings_to_folder_and_merge.py:23"),
        ("migration-merge-of-ancestor", "alembic/versions/3162e83e485f_add_auth_settings_to_folder_and_merge.py:16"),
        ("migration-merge-of-ancestor", "alembic/versions/c187c3b9bb94_merge_job_asset_and_sso_heads.py:14"),
    ]
}
BY_NAME = pytest.mark.parametrize(
    ("requirement", "place", "count", "heads"), PROJECTS, ids=[one[0].partition("==")[0] for one in PROJECTS]
)


def unpacked(requirement: str) -> Path:
    """The revision files and settings of a project, from its wheel."""
    name = f"history-{requirement.replace('==', '-')}"
    with made_once(name) as scratch:
        if scratch:
            argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "-d"]
            done = subprocess.run([*argv, str(scratch), requirement], capture_output=True, text=True, timeout=300)
            if done.returncode:
                raise MissingInputError(done.stderr.strip())
            (wheel,) = scratch.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                wanted = ("alembic", "migration", "versions")
                archive.extractall(
                    scratch,
                    [
                        one
                        for one in archive.namelist()
                        if one.endswith((".py", ".ini")) and any(word in one for word in wanted)
                    ],
                )
            wheel.unlink()
    return cache() / name


def project(requirement: str, place: str, to: Path) -> Path:
    try:
        return Path(shutil.copytree(unpacked(requirement), to / "copy")) / place
    except (MissingInputError, subprocess.TimeoutExpired) as error:
        need(f"{requirement} cannot be had: {error}")


def found(history: History) -> list[tuple[str, str]]:
    return [(one.id, one.subject) for one in judge_graph(history).findings if one.severity is not Severity.INFO]


@BY_NAME
def test_no_finding_that_is_not_so(requirement: str, place: str, count: int, heads: int, tmp_path: Path) -> None:
    history = read(project(requirement, place, tmp_path))
    assert len(history.revisions) >= count
    assert len(history.heads) == heads
    assert found(history) == TRUE.get(requirement.partition("==")[0], [])
    assert not judge_graph(history).not_evaluated
    assert len(history.pending(set())) == len(history.revisions)
    assert sum(bool(one.message) for one in history.revisions) > 0.9 * len(history.revisions)


@BY_NAME
def test_a_fork_is_found(requirement: str, place: str, count: int, heads: int, tmp_path: Path) -> None:
    folder = project(requirement, place, tmp_path)
    before = read(folder)
    parent = before[before.pending(set())[count // 2].id]
    children = [one for one in before.revisions if parent.id in one.down]
    assert children, "somewhere in the middle"
    write((before.root / parent.path).parent, "forked0001", parent.id)
    after = found(read(folder))
    new = [one for one in after if one not in TRUE.get(requirement.partition("==")[0], [])]
    assert [kind for kind, _ in new] == ["migration-heads"]
