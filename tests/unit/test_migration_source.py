"""Case 13, and 7: what is read from one revision file, and what is said of one that cannot be read."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest

from dbops.migrations.history import read as read_history
from dbops.migrations.source import read
from dbops.migrations.values import Kind, Revision
from tests.unit.migration_samples import revision, write

HEAD = "down_revision = 'a'\n"


def the(text: str | bytes, path: str = "versions/b_x.py") -> Revision:
    found = read(path, text.encode() if isinstance(text, str) else text)
    assert found.problems == ()
    assert found.revision is not None
    return found.revision


def test_a_file_as_alembic_writes_it() -> None:
    found = the(revision("b", "a", message="add a column\n\nmore words", labels=("shop",), depends_on="c"))
    assert (found.id, found.down, found.labels, found.depends_on) == ("b", ("a",), ("shop",), ("c",))
    assert (found.message, found.created) == ("add a column", "2026-11-24 02:45:00")
    lines = revision("b", "a", message="add a column\n\nmore words").splitlines()
    assert lines[found.line - 1].startswith("revision =")
    assert lines[found.down_line - 1].startswith("down_revision =")
    assert len(found.sha256) == 64


@pytest.mark.parametrize(
    ("text", "down"),
    [
        ("revision: str = 'b'\ndown_revision: Union[str, None] = 'a'", ("a",)),
        ("revision: str = 'b'\ndown_revision: str | Sequence[str] | None = ('a', 'c')", ("a", "c")),
        ("revision = 'b'\ndown_revision = ['a',\n  'c']", ("a", "c")),
        ("revision = 'b'\ndown_revision = {'a'}", ("a",)),
        ("revision = 'b'\ndown_revision = ()", ()),
        ("revision = 'b'\ndown_revision = None", ()),
        ("revision = 'b'\ndown_revision = (None,)", ()),
        ("revision = f'b'\ndown_revision = f'a' 'c'", ("ac",)),
        ("from sqlalchemy import *\nrevision = 'b'\ndown_revision = 'a'", ("a",)),
        ("revision = u'b'\ndown_revision = ('a' 'c')", ("ac",)),
        ("revision = 'x'\nrevision, down_revision = 'b', 'a'", ("a",)),
        ("revision = 'x'\nif_revision = 1\nrevision = 'b'\ndown_revision = original = 'a'", ("a",)),
        ("revision: str\ndown_revision: str\nrevision = 'b'\ndown_revision = 'a'", ("a",)),
        ("\ufeffrevision = 'b'\ndown_revision = 'a'", ("a",)),
        ("revision = 'b'\r\ndown_revision = 'a'\r\n", ("a",)),
        ("revision = 'b'\ndown_revision = 'a'\ndef upgrade():\n    revision = compute()\n", ("a",)),
        ("revision = 'b'\ndown_revision = 'a'\n[print(revision) for revision in 'ab']\n", ("a",)),
        ("revision = 'b'\ndown_revision = 'a'\nprint(" + " + ".join(["'x'"] * 2000) + ")\n", ("a",)),
    ],
)
def test_the_ways_to_write_it(text: str, down: tuple[str, ...]) -> None:
    found = the(text)
    assert (found.id, found.down) == ("b", down)


def test_a_label_that_reads_none_is_a_label() -> None:
    found = the(revision("b", "a", labels="None"))
    assert found.labels == ("None",)
    assert the(revision("b", "a")).labels == ()


def test_other_encodings_by_their_declaration() -> None:
    text = "# -*- coding: latin-1 -*-\n" + revision("b", "a", message="größer")
    assert the(text.encode("latin-1")).message == "größer"


def test_the_id_of_a_file_before_alembic_0_2_is_its_name() -> None:
    assert the(HEAD, "versions/1a2b3c.py").id == "1a2b3c"


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("revision = 'b'\ndown_revision = \n", Kind.UNREADABLE, 2),
        ("<<<<<<< HEAD\nrevision = 'b'\n", Kind.UNREADABLE, 1),
        (b"revision = 'b'\ndown_revision = None\nname = 'gr\xf6\xdfer'\n", Kind.UNREADABLE, 3),
        (b"# coding: klingon\nrevision = 'b'\n", Kind.UNREADABLE, 1),
        (b"revision = 'b'\x00\n", Kind.UNREADABLE, 1),
        ("x = " + "(" * 5000 + ")" * 5000, Kind.UNREADABLE, 1),
        ("x = " + "-" * 100_000 + "1", Kind.UNREADABLE, 1),
        (HEAD + "revision = f'{x}b'\n", Kind.COMPUTED, 2),
        (HEAD + "revision = make()\n", Kind.COMPUTED, 2),
        (HEAD + "if x:\n    revision = 'b'\n", Kind.COMPUTED, 3),
        (HEAD + "from .ids import b as revision\n", Kind.COMPUTED, 2),
        (HEAD + "revision = 'b'\nrevision += 'c'\n", Kind.COMPUTED, 3),
        ("revision = 'b'\ndown_revision = PARENT\n", Kind.COMPUTED, 2),
        ("revision = 'b'\ndown_revision = ('a',\n  PARENT)\n", Kind.COMPUTED, 3),
        ("revision, down_revision = ids()\n", Kind.COMPUTED, 1),
        (HEAD + "revision = 12\n", Kind.BAD_VALUE, 2),
        (HEAD + "revision = None\n", Kind.BAD_VALUE, 2),
        (HEAD + "revision = ''\n", Kind.BAD_VALUE, 2),
        (HEAD + "revision = ('b',)\n", Kind.BAD_VALUE, 2),
        (HEAD + "revision = '2026-11-24'\n", Kind.BAD_VALUE, 2),
        ("revision = 'b'\ndown_revision = ('a', 1)\n", Kind.BAD_VALUE, 2),
        ("import os\nfrom .ids import *\ndown_revision = 'a'\n", Kind.COMPUTED, 2),
        (HEAD + "globals()['revision'] = 'b'\n", Kind.COMPUTED, 2),
        (HEAD + "def ids():\n    exec('')\n", Kind.NO_ID, 1),
        (HEAD, Kind.NO_ID, 1),
        ("", Kind.NO_ID, 1),
        ("import os\n\nrevision = 'b'\n", Kind.NO_DOWN, 3),
    ],
)
def test_what_cannot_be_read_names_its_line(text: str | bytes, kind: Kind, line: int) -> None:
    found = read("versions/b_x.py", text.encode() if isinstance(text, str) else text)
    assert found.revision is None
    (problem,) = found.problems
    if text in (b"revision = 'b'\x00\n",) or (isinstance(text, str) and len(text) > 1000):
        assert problem.kind is kind  # which line differs between versions of Python
    else:
        assert (problem.kind, problem.line) == (kind, line)
    assert problem.text
    assert problem.hint
    assert problem.path == "versions/b_x.py"


@pytest.mark.parametrize(
    ("text", "name", "down"),
    [
        ("ID = 'b'\nrevision = ID\ndown_revision = None\n", "b", ()),
        ("revision = 'a' + 'b'\ndown_revision = None\n", "ab", ()),
        ("N: str = '1'\nrevision = f'r{N}_x'\nP = f'{N}a'\ndown_revision = ('z', P)\n", "r1_x", ("z", "1a")),
        ("NO = None\nrevision = 'b'\ndown_revision = NO\n", "b", ()),
    ],
)
def test_constants_of_the_file_itself(text: str, name: str, down: tuple[str, ...]) -> None:
    found = read("b.py", text.encode())
    assert found.revision is not None
    assert (found.revision.id, found.revision.down, found.problems) == (name, down, ())


@pytest.mark.parametrize(
    "text",
    [
        "revision = ID\nID = 'b'\n",
        "ID = 'b'\nID = 'c'\nrevision = ID\n",
        "ID = 'b'\nif x:\n    ID = 'c'\nrevision = ID\n",
        "ID = 'b'\ndef f():\n    global ID\nrevision = ID\n",
        "ID = 'b'\nfrom .ids import *\nrevision = ID\n",
        "ID = 'b'\nrevision = f'{ID!r}'\n",
        "ID = ID2\nID2 = ID\nrevision = ID\n",
    ],
)
def test_twin_names_that_may_be_something_else(text: str) -> None:
    [problem] = read("b.py", f"down_revision = None\n{text}".encode()).problems
    assert problem.kind is Kind.COMPUTED


@pytest.mark.parametrize("name", ["branch_labels", "depends_on"])
def test_a_computed_label_leaves_the_revision_usable(name: str) -> None:
    found = read("b.py", f"revision = 'b'\n{HEAD}{name} = compute()\n".encode())
    assert found.revision is not None
    assert [(one.kind, one.line) for one in found.problems] == [(Kind.COMPUTED, 3)]


def test_nothing_is_run_and_nothing_is_warned_of(tmp_path: Path) -> None:
    folder = tmp_path / "versions"
    touched = tmp_path / "touched"
    path = write(folder, "a")
    path.write_text(path.read_text() + f"\nopen({str(touched)!r}, 'w')\nPATTERN = '\\d'\nx = 1 is 1\n")
    modules = set(sys.modules)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read_history(folder)
    assert [one.id for one in found.revisions] == ["a"]
    assert not found.problems
    assert not touched.exists()
    assert not {name for name in set(sys.modules) - modules if "a_x" in name}


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("def upgrade():\n    pass\ndef downgrade():\n    pass\n", 0),
        ("def upgrade() -> None:\n    '''Merges.'''\n    ...\ndef downgrade():\n    return None\n", 0),
        ("def upgrade():\n    pass\ndef downgrade():\n    raise NotImplementedError\n", 0),
        ("def upgrade(engine):\n    globals()['upgrade_%s' % engine]()\ndef upgrade_one():\n    pass\n", 0),
        ("def upgrade(engine):\n    globals()['upgrade_%s' % engine]()\ndef upgrade_one():\n    op.f()\n", 4),
        ("def upgrade():\n    pass\n    op.drop_table('t')\n", 3),
        ("def upgrade():\n    helper()\n", 2),
        ("def upgrade():\n    raise NotImplementedError\n", 2),
        ("def upgrade():\n    pass\ndef downgrade():\n    op.f()\n", 4),
    ],
)
def test_whether_a_merge_does_anything(body: str, line: int) -> None:
    assert the(body + "revision = 'm'\ndown_revision = ('a', 'b')\n").operates == line
    assert the(body + "revision = 'b'\n" + HEAD).operates == 0, "of others nobody asks"
