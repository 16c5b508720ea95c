"""Histories that the real tools write: `alembic`, Flask-Migrate and git."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from dbops.errors import ConfigError
from dbops.migrations.base_branch import merge, read_merged
from dbops.migrations.history import History, read
from dbops.migrations.values import Kind
from tests.unit.migration_samples import findings, project, write

Run = Callable[..., str]
TIMEOUT = 120


def ran(folder: Path, *argv: str, **environment: str) -> str:
    done = subprocess.run(
        argv, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


# --- alembic ------------------------------------------------------------------------------------------------------


@pytest.fixture
def alembic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The `alembic` command, in this process: none of these runs `env.py`."""
    from alembic.config import main

    monkeypatch.chdir(tmp_path)
    return lambda *argv: main(argv=argv)


def as_alembic_has_it(directory: Path) -> dict[str, tuple[str, ...]]:
    """Parents by id, from Alembic itself: it imports the files, which these allow."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    ini, toml = directory / "alembic.ini", directory / "pyproject.toml"
    config = Config(str(ini) if ini.exists() else None, toml_file=str(toml) if toml.exists() else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripts = ScriptDirectory.from_config(config).walk_revisions()
        return {one.revision: tuple(one._versioned_down_revisions) for one in scripts}


def edges(found: History) -> dict[str, tuple[str, ...]]:
    return {one.id: one.down for one in found.revisions}


@pytest.mark.parametrize("template", ["generic", "async", "multidb", "pyproject"])
def test_the_templates_of_alembic(tmp_path: Path, alembic: Callable[..., None], template: str) -> None:
    """A line, a fork, and its merge, in the templates' own words."""
    alembic("init", "-t", template, "db")
    if template == "multidb":
        ini = tmp_path / "alembic.ini"
        ini.write_text(ini.read_text().replace("databases = engine1, engine2", "databases = one, two"))
    assert findings(tmp_path) == {}
    for name, parent in (("a1", "head"), ("b1", "head"), ("c1", "b1"), ("c2", "b1")):
        alembic("revision", "-m", f'add {name}: it\'s "quoted"', "--rev-id", name, "--head", parent, "--splice")
    found = read(tmp_path)
    assert set(found.heads) == {"c1", "c2"}
    assert set(findings(found)) == {"migration-heads"}
    alembic("merge", "-m", "both", "--rev-id", "m1", "heads")
    found = read(tmp_path / "db")
    assert edges(found) == as_alembic_has_it(tmp_path)
    assert found.heads == ("m1",)
    assert findings(found, notes=True) == {}
    assert found["a1"].message == 'add a1: it\'s "quoted"'
    assert found["a1"].created.startswith("20")
    assert found["m1"].path.startswith("versions/m1_both.py")


def test_several_bases_with_labels_and_folders(tmp_path: Path, alembic: Callable[..., None]) -> None:
    """Alembic's own words for it: a base of its own with a label, in a folder of its own, that depends on another."""
    alembic("init", "db")
    ini = tmp_path / "alembic.ini"
    places = "version_locations = %(here)s/db/versions:%(here)s/shop"
    ini.write_text(ini.read_text().replace("path_separator = os", f"path_separator = :\n{places}"))
    alembic("revision", "-m", "core", "--rev-id", "a1", "--version-path", str(tmp_path / "db" / "versions"))
    shop = ["--head", "base", "--branch-label", "shop", "--version-path", str(tmp_path / "shop"), "--depends-on", "a1"]
    alembic("revision", "-m", "shop", "--rev-id", "s1", *shop)
    alembic("revision", "-m", "shop", "--rev-id", "s2", "--head", "shop@head")
    found = read(tmp_path)
    assert edges(found) == as_alembic_has_it(tmp_path)
    assert findings(found, notes=True) == {}
    assert set(found.bases) == {"a1", "s1"}
    assert (found["s1"].labels, found["s1"].depends_on) == (("shop",), ("a1",))
    assert found["s1"].path == "shop/s1_shop.py"
    assert [one.id for one in found.pending({"a1"})] == ["s1", "s2"]


def test_recursive_folders_by_date(tmp_path: Path, alembic: Callable[..., None]) -> None:
    alembic("init", "-t", "pyproject", "db")
    toml = tmp_path / "pyproject.toml"
    lines = 'recursive_version_locations = true\nfile_template = "%%(year)d/%%(month).2d/%%(rev)s_%%(slug)s"\n'
    toml.write_text(toml.read_text().replace("[tool.alembic]\n", f"[tool.alembic]\n{lines}", 1))
    for name in ("a1", "b1"):
        alembic("revision", "-m", "x", "--rev-id", name)
    found = read(tmp_path)
    assert edges(found) == as_alembic_has_it(tmp_path) == {"a1": (), "b1": ("a1",)}
    assert found["a1"].path.count("/") == 4


# --- Flask-Migrate ------------------------------------------------------------------------------------------------

APPLICATION = """
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///{root}/shop.db"
app.config["SQLALCHEMY_BINDS"] = {binds}
db = SQLAlchemy(app)
Migrate(app, db)

class Customer(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    {column}
"""


@pytest.mark.parametrize("several", [False, True], ids=["one database", "several databases"])
def test_flask_migrate(tmp_path: Path, several: bool) -> None:
    pytest.importorskip("flask_migrate")

    def application(column: str) -> None:
        binds = {"stock": f"sqlite:///{tmp_path}/stock.db"} if several else {}
        (tmp_path / "shop.py").write_text(APPLICATION.format(root=tmp_path, binds=binds, column=column))

    def flask(*argv: str) -> None:
        ran(tmp_path, sys.executable, "-m", "flask", "--app", "shop", "db", *argv, PYTHONDONTWRITEBYTECODE="1")

    application("pass")
    flask("init", *(["--multidb"] if several else []))
    assert findings(tmp_path / "migrations") == {}
    flask("migrate", "-m", "first", "--rev-id", "a1")
    flask("upgrade")
    application("name = db.Column(db.String(20))")
    flask("migrate", "-m", "name", "--rev-id", "b1")
    flask("revision", "-m", "beside", "--rev-id", "b2", "--head", "a1", "--splice")
    assert set(findings(tmp_path / "migrations")) == {"migration-heads"}
    flask("merge", "-m", "both", "--rev-id", "m1", "heads")
    (tmp_path / "shop.py").unlink()
    found = read(tmp_path / "migrations")
    assert findings(found, notes=True) == {}, "the template for several databases dispatches in its merge, too"
    assert edges(found) == {"a1": (), "b1": ("a1",), "b2": ("a1",), "m1": found["m1"].down}
    assert set(found["m1"].down) == {"b1", "b2"}
    assert not found["m1"].operates


# --- 2. git -------------------------------------------------------------------------------------------------------


@pytest.fixture
def git(tmp_path: Path) -> Run:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false"]
    run: Run = lambda *argv: ran(tmp_path, "git", *who, *argv, **own)  # noqa: E731
    run("init", "-q", "-b", "main")
    return run


def commit(git: Run, message: str) -> None:
    git("add", "-A")
    git("commit", "-q", "--allow-empty", "-m", message)


@pytest.fixture
def branched(tmp_path: Path, git: Run) -> Path:
    """On `feature`, which has b since `main` had a; `main` has c on a since. Each alone has one head."""
    folder = project(tmp_path, {"a": None})
    commit(git, "a")
    git("checkout", "-q", "-b", "feature")
    write(folder / "versions", "b", "a")
    commit(git, "b")
    git("checkout", "-q", "main")
    write(folder / "versions", "c", "a")
    commit(git, "c")
    git("checkout", "-q", "feature")
    return folder


@pytest.mark.parametrize("hook", [False, True], ids=["by hand", "in a hook of git"])
def test_02_two_heads_once_merged(branched: Path, git: Run, hook: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(branched) == {}
    with monkeypatch.context() as patch:
        for name, value in (
            {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index", "GIT_PREFIX": ""}.items() if hook else ()
        ):
            patch.setenv(name, value)
        found = read_merged(branched, "main").history
    assert list(findings(found)) == ["migration-heads"]
    assert {one.path for one in found.revisions} == {f"versions/{name}_x.py" for name in "abc"}
    assert git("status", "--porcelain") == "", "nothing was checked out"
    assert not (branched / "versions" / "c_x.py").exists()


def test_02_twin_one_stands_on_the_other(branched: Path, git: Run) -> None:
    git("checkout", "-q", "main")
    write(branched / "versions", "d", "c")
    commit(git, "d")
    git("checkout", "-q", "feature")
    (branched / "versions" / "b_x.py").unlink()
    write(branched / "versions", "b", "d")
    found = read_merged(branched, "main").history
    assert findings(found) == {}, "also what is not committed yet"
    assert found.heads == ("b",)


def test_02_a_file_that_the_other_side_has_moved(branched: Path, git: Run) -> None:
    git("checkout", "-q", "main")
    git("mv", "migrations/versions/a_x.py", "migrations/versions/a_renamed.py")
    git("rm", "-q", "migrations/versions/c_x.py")
    commit(git, "moved")
    git("checkout", "-q", "feature")
    found = read_merged(branched, "main").history
    assert findings(found) == {}
    assert sorted(one.path for one in found.revisions) == ["versions/a_renamed.py", "versions/b_x.py"]


@pytest.mark.parametrize("link", [False, True], ids=["gone", "a link"])
@pytest.mark.parametrize("side", ["main", "feature"])
def test_02_a_folder_that_one_side_has_renamed(branched: Path, git: Run, side: str, link: bool) -> None:
    """git would put the other side's new revision into the renamed folder: there are two heads. A link may be left."""
    git("checkout", "-q", side)
    git("mv", "migrations", "db")
    if link:
        branched.symlink_to("db")
    commit(git, "renamed")
    git("checkout", "-q", "feature")
    result = read_merged(branched if side == "main" else branched.parent / "db", "main")
    assert list(findings(result.history)) == ["migration-heads"]
    assert set(result.history.heads) == {"b", "c"}
    assert result.new == {"b"}


def test_02_twin_another_project_that_began_with_a_copy_of_this(branched: Path, git: Run) -> None:
    git("checkout", "-q", "main", "-b", "copied")
    other = branched.parent / "other"
    write(other / "versions", "a")
    (other / "env.py").touch()
    write(other / "versions", "n", "a")
    commit(git, "another project")
    result = read_merged(other, "main")
    assert (findings(result.history), result.history.heads) == ({}, ("n",))


def test_02_the_same_file_changed_on_both_sides(branched: Path, git: Run) -> None:
    path = branched / "versions" / "a_x.py"
    git("checkout", "-q", "main")
    path.write_text(path.read_text() + "# theirs\n")
    commit(git, "theirs")
    git("checkout", "-q", "feature")
    path.write_text(path.read_text() + "# ours\n")
    found = read_merged(branched, "main").history
    assert [(one.kind, one.path) for one in found.problems] == [(Kind.CONFLICT, "versions/a_x.py")]


def test_base_a_head_of_the_other_side_that_is_gone(branched: Path, git: Run) -> None:
    """And its twins: a file with another name, and revisions under a head that has swallowed them."""
    git("checkout", "-q", "main", "-b", "less")
    (branched / "versions" / "c_x.py").rename(branched / "versions" / "c_y.py")
    assert findings(read_merged(branched, "main").history) == {}
    (branched / "versions" / "c_y.py").unlink()
    [found] = findings(read_merged(branched, "main").history).values()
    assert (found.id, found.subject) == ("migration-removed", "versions/c_x.py:12")
    assert "c, a head of main" in found.actual
    (branched / "versions" / "a_x.py").unlink()
    write(branched / "versions", "c")
    assert findings(read_merged(branched, "main").history) == {}


def test_base_a_revision_put_under_one_of_the_other_side(branched: Path, git: Run) -> None:
    git("checkout", "-q", "main", "-b", "under")
    write(branched / "versions", "n", "a")
    write(branched / "versions", "c", "n")
    result = read_merged(branched, "main")
    [found] = findings(result.history).values()
    assert (found.id, found.subject) == ("migration-inserted", "versions/c_x.py:13")
    assert "n will not run where c has run" in found.actual
    assert result.new == {"n"}
    write(branched / "versions", "c", "a")
    write(branched / "versions", "n", "c")
    assert findings(read_merged(branched, "main").history) == {}


def test_base_a_revision_of_the_other_side_that_does_something_else(branched: Path, git: Run) -> None:
    """And its twin, which looks different."""
    git("checkout", "-q", "main", "-b", "other")
    path = branched / "versions" / "c_x.py"
    before = path.read_text()
    path.write_text(f"import re\n\n{before.replace('def upgrade():', 'def upgrade() -> None:  # more')}")
    assert findings(read_merged(branched, "main").history) == {}
    path.write_text(f"{before}\n\ndef upgrade():\n    op.drop_table('x')\n")
    result = read_merged(branched, "main")
    [found] = findings(result.history).values()
    assert (found.id, found.subject) == ("migration-rewritten", "versions/c_x.py:12")
    assert result.new == set()


def test_02_what_git_does_not_know(branched: Path, git: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no commit 'origin/main'"):
        read_merged(branched, "origin/main")
    with pytest.raises(ConfigError, match="no commit '--help'"):
        read_merged(branched, "--help")
    git("checkout", "-q", "--orphan", "unrelated")
    git("commit", "-q", "-m", "unrelated")
    with pytest.raises(ConfigError, match="no common commit") as raised:
        read_merged(branched, "main")
    assert "fetch-depth" in raised.value.hint
    assert [one.kind for one in read_merged(tmp_path / "nowhere", "main").history.problems] == [Kind.NO_FOLDER]


def test_three_way_by_files() -> None:
    base = {
        "same": b"1",
        "theirs": b"1",
        "gone": b"1",
        "gone-changed": b"1",
        "both": b"1",
        "alike": b"1",
        "crlf": b"1\n",
    }
    ours = {
        "same": b"1",
        "theirs": b"1",
        "gone": b"1",
        "gone-changed": b"2",
        "both": b"2",
        "alike": b"2",
        "crlf": b"1\r\n",
    }
    theirs = {"same": b"1", "theirs": b"2", "both": b"3", "alike": b"2", "crlf": b"2\n", "new": b"1"}
    merged = merge({**ours, "own": b"1"}, base, theirs)
    assert merged.conflicts == ("both", "gone-changed")
    assert merged.files == {
        "same": b"1", "theirs": b"2", "gone-changed": b"2", "both": b"2", "alike": b"2", "crlf": b"2\n",
        "new": b"1", "own": b"1",
    }  # fmt: skip
