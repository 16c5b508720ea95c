"""What `--to` may name, told before anything is backed up or rehearsed."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops.errors import RefusedError
from dbops.migrations.goal import HEADS, chosen
from dbops.migrations.history import History, read
from tests.unit.migration_samples import project, write


@pytest.fixture
def branches(tmp_path: Path) -> History:
    """`a` - `b` - `c`, and `x` - `y` with the label `audit`, which has two heads."""
    scripts = project(tmp_path, {"a": None, "b": "a", "c": "b"})
    write(scripts / "versions", "x", None, labels=("audit",))
    write(scripts / "versions", "y", "x")
    write(scripts / "versions", "s", "c", labels=("shop",), depends_on="x")
    return read(scripts)


@pytest.mark.parametrize(
    ("asked", "revision"),
    [
        (None, HEADS),
        ("", HEADS),
        ("heads", HEADS),
        ("b", "b"),
        ("audit", "x"),
        ("audit@head", "y"),
        ("audit@heads", "y"),
        ("shop@head", "s"),
    ],
)
def test_what_is_named(branches: History, asked: str | None, revision: str) -> None:
    assert chosen(branches, asked) == revision


@pytest.mark.parametrize("asked", ["head", "nothing", "aud@head", "audit@b", "+1", "audit@"])
def test_what_names_nothing_or_more_than_one_is_refused(branches: History, asked: str) -> None:
    with pytest.raises(RefusedError) as refused:
        chosen(branches, asked)
    assert asked in str(refused.value)


def test_a_branch_with_two_heads(branches: History, tmp_path: Path) -> None:
    write(tmp_path / "migrations" / "versions", "z", "x")
    with pytest.raises(RefusedError, match="there are several: y, z"):
        chosen(read(branches.root), "audit@head")


def test_head_is_the_only_one(tmp_path: Path) -> None:
    assert chosen(read(project(tmp_path, {"a": None, "b": "a"})), "head") == "b"


def test_a_history_that_cannot_be_read_whole_is_told_by_the_gate(tmp_path: Path) -> None:
    scripts = project(tmp_path, {"a": None})
    (scripts / "versions" / "broken.py").write_text("revision = ")
    assert chosen(read(scripts), "b") == "b"
