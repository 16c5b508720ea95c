"""Small histories for tests, written as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dbops.migrations.graph_rules import judge_graph
from dbops.migrations.history import History, read
from dbops.model import Finding, Severity

TEMPLATE = '''"""{message}

Revision ID: {id}
Revises: {down}
Create Date: {created}

"""
from alembic import op
import sqlalchemy as sa
{imports}

revision = {id!r}
down_revision = {down!r}
branch_labels = {labels!r}
depends_on = {depends_on!r}


def upgrade():
    {upgrade}


def downgrade():
    {downgrade}
'''
OPERATION = "op.add_column('t', sa.Column('c', sa.Integer()))"

Down = str | None | Sequence[str]


def revision(name: str, down: Down = None, **changes: Any) -> str:
    """The text of a revision file."""
    facts = {
        "message": f"revision {name}",
        "created": "2026-11-24 02:45:00",
        "imports": "import an_application_that_is_not_installed",
        "labels": None,
        "depends_on": None,
        "upgrade": OPERATION if down is None or isinstance(down, str) else "pass",
        "downgrade": "pass",
    }
    return TEMPLATE.format(**{**facts, "id": name, "down": down, **changes})


def write(folder: Path, name: str, down: Down = None, *, file: str = "", **changes: Any) -> Path:
    """Writes one revision file; its name is `<id>_x.py` unless `file` says otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (file or f"{name}_x.py")
    path.write_text(revision(name, down, **changes), encoding="utf-8")
    return path


def project(root: Path, graph: Mapping[str, Down], **changes: Any) -> Path:
    """A folder `migrations` with `env.py` and `versions/`; `graph` has the parents of each id."""
    folder = root / "migrations"
    (folder / "versions").mkdir(parents=True, exist_ok=True)
    (folder / "env.py").write_text("raise SystemExit('nobody runs this')\n")
    for name, down in graph.items():
        write(folder / "versions", name, down, **changes)
    return folder


def history(root: Path, graph: Mapping[str, Down]) -> History:
    return read(project(root, graph))


def findings(found: History | Path, *, notes: bool = False) -> dict[str, Finding]:
    """What the graph rules find, by id; with `notes` also what is none of anyone's business."""
    judged = judge_graph(read(found) if isinstance(found, Path) else found)
    return {one.id: one for one in judged.findings if notes or one.severity is not Severity.INFO}
