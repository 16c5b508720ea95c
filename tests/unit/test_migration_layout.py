"""Any layout: where the revision files are, by Alembic's own settings, and which files are none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dbops.migrations.history import History, read
from dbops.migrations.layout import find
from dbops.migrations.values import Kind
from tests.unit.migration_samples import findings, project, write


def ids(found: History) -> set[str]:
    return {one.id for one in found.revisions}


def kinds(found: History) -> list[Kind]:
    return [one.kind for one in found.problems]


def test_flask_migrate_and_the_ways_to_name_it(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a": None, "b": "a"})
    (folder / "alembic.ini").write_text("[alembic]\n# nothing here\n[loggers]\nkeys = root\n")
    for directory in (folder, tmp_path, folder / "versions"):
        found = read(directory)
        assert (ids(found), found.problems) == ({"a", "b"}, ())
    assert [one.path for one in read(folder).revisions] == ["versions/a_x.py", "versions/b_x.py"]
    assert {one.path for one in read(tmp_path).revisions} == {f"migrations/versions/{name}_x.py" for name in "ab"}


def test_a_relative_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, {"a": None})
    monkeypatch.chdir(tmp_path)
    assert [one.path for one in read(Path("migrations")).revisions] == ["versions/a_x.py"]


SEPARATED = {
    "path_separator = os": os.pathsep,
    "path_separator = :": ":",
    "path_separator = ;": ";",
    "path_separator = space": " ",
    "path_separator = newline": "\n  ",
    "version_path_separator = os": os.pathsep,
    "": ", ",
}


@pytest.mark.parametrize("setting", SEPARATED, ids=lambda setting: setting or "none (as before 1.16)")
@pytest.mark.parametrize("directory", ["", "alembic"])
def test_several_folders(tmp_path: Path, setting: str, directory: str) -> None:
    """Named by the project, or by the folder of the scripts: the settings are above it."""
    for name, folder in (("a", "alembic/versions"), ("b", "plugins/shop/versions"), ("c", "elsewhere")):
        write(tmp_path / folder, name)
    (tmp_path / "alembic" / "env.py").touch()
    places = ["%(here)s/alembic/versions", "plugins/shop/versions", "%(here)s/elsewhere"]
    locations = SEPARATED[setting].join(places)
    ini = f"[alembic]\nscript_location = alembic\nversion_locations = {locations}\n{setting}\n"
    (tmp_path / "alembic.ini").write_text(ini)
    found = read(tmp_path / directory)
    assert (ids(found), found.problems) == ({"a", "b", "c"}, ())
    assert [folder.name for folder in find(tmp_path).folders] == ["versions", "versions", "elsewhere"]


@pytest.mark.parametrize("location", ["%(here)s/app/db", "app/db", "app:db", "db"])
def test_where_the_scripts_are(tmp_path: Path, location: str) -> None:
    """Also as a package's folder, which is not imported; and relative to a folder above, where Alembic is started."""
    write(tmp_path / "src" / "app" / "db" / "versions", "a")
    home = tmp_path / "src" if location != "db" else tmp_path / "src" / "app"
    (home / "alembic.ini").write_text(f"[alembic]\nscript_location = {location}\n")
    (tmp_path / "src" / "app" / "__init__.py").write_text("raise SystemExit\n")
    assert ids(read(home)) == {"a"}


def test_a_package_below_src(tmp_path: Path) -> None:
    write(tmp_path / "src" / "app" / "db" / "versions", "a")
    (tmp_path / "pyproject.toml").write_text('[tool.alembic]\nscript_location = "app:db"\n')
    assert ids(read(tmp_path)) == {"a"}


def test_pyproject_and_the_ini_before_it(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        write(tmp_path / name, name)
        write(tmp_path / name / "deeper", f"{name}_deep")
    toml = '[tool.alembic]\nscript_location = "%(here)s/s"\nversion_locations = ["%(here)s/one", "two"]\n'
    (tmp_path / "pyproject.toml").write_text(toml)
    assert ids(read(tmp_path)) == {"one", "two"}
    (tmp_path / "pyproject.toml").write_text(toml + "recursive_version_locations = true\n")
    assert ids(read(tmp_path)) == {"one", "two", "one_deep", "two_deep"}
    (tmp_path / "alembic.ini").write_text("[alembic]\npath_separator = os\nversion_locations = %(here)s/three\n")
    assert ids(read(tmp_path)) == {"three", "three_deep"}


def test_subfolders_only_where_they_are_asked_for(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a": None})
    write(folder / "versions" / "2026" / "11", "b", "a")
    assert ids(read(folder)) == {"a"}
    (folder / "alembic.ini").write_text("[alembic]\nrecursive_version_locations = true\n")
    assert ids(read(folder)) == {"a", "b"}


def test_revisions_in_subfolders_that_nobody_reads_are_told(tmp_path: Path) -> None:
    """Alembic passes over them in silence: they never run. A folder of helpers is none of it."""
    folder = project(tmp_path, {"a": None})
    (folder / "versions" / "helpers").mkdir()
    (folder / "versions" / "helpers" / "names.py").write_text("print('down_revision')\n")
    write(folder / "versions" / "__pycache__", "z", "a")
    assert read(folder).problems == ()
    for name in "bc":
        write(folder / "versions" / "2026", name, "a")
    (problem,) = read(folder).problems
    assert (problem.kind, problem.path) == (Kind.SUBFOLDER, "versions")
    assert problem.text == "2 files that look like revisions in versions/2026"
    assert set(findings(folder)) == {"migration-subfolder"}
    (folder / "alembic.ini").write_text("[alembic]\nversion_locations = %(here)s/versions %(here)s/versions/2026\n")
    assert kinds(read(folder)) == [], "it has a place of its own"


def test_files_that_are_no_revisions(tmp_path: Path) -> None:
    """What Alembic passes over, and no more than that: it would stop at any other *.py."""
    folder = project(tmp_path, {"a": None})
    versions = folder / "versions"
    for name in ("__init__.py", ".#a_x.py", "a_x.py~", "a_x.py.orig", "#a_x.py#", ".a_x.py.swp", "README", "a_x.sql"):
        (versions / name).write_text("this is no Python")
    (versions / "__pycache__").mkdir()
    (versions / "__pycache__" / "b_x.cpython-311.pyc").write_bytes(b"\0")
    (versions / "c.py").mkdir()
    found = read(folder)
    assert (ids(found), found.problems) == ({"a"}, ())
    assert findings(found) == {}
    (versions / ".hidden.py").write_text("x = 1")
    assert kinds(read(folder)) == [Kind.NO_ID]


def test_the_same_file_by_two_ways_is_read_once(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a": None})
    (folder / "versions" / "b_x.py").symlink_to("a_x.py")
    (folder / "alembic.ini").write_text(
        "[alembic]\nversion_locations = %(here)s/versions:%(here)s/../migrations/versions\npath_separator = :\n"
    )
    found = read(folder)
    assert [one.path for one in found.revisions] == ["versions/a_x.py"]
    assert not found.problems


def test_compiled_revisions_are_not_read_and_that_is_said(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a": None})
    cache = folder / "versions" / "__pycache__"
    cache.mkdir()
    for name in ("a_x", "b_x"):
        (cache / f"{name}.cpython-311.pyc").write_bytes(b"\0")
    assert not read(folder).problems, "Alembic does not load it either"
    (folder / "alembic.ini").write_text("[alembic]\nsourceless = true\n")
    found = read(folder)
    assert [(one.kind, one.path) for one in found.problems] == [
        (Kind.SOURCELESS, "versions/__pycache__/b_x.cpython-311.pyc")
    ]
    assert found.holes


def test_folders_that_are_not_there(tmp_path: Path) -> None:
    assert kinds(read(tmp_path / "nowhere")) == [Kind.NO_FOLDER]
    assert kinds(read(tmp_path)) == [Kind.NO_FOLDER]
    folder = project(tmp_path, {})
    assert kinds(read(folder)) == [], "a project before its first revision"
    (folder / "alembic.ini").write_text(
        "[alembic]\nversion_locations = %(here)s/versions;%(here)s/other\npath_separator = ;\n"
    )
    write(folder / "versions", "a")
    found = read(folder)
    assert [(one.kind, one.path) for one in found.problems] == [(Kind.FOLDER_MISSING, "other")]
    assert ids(found) == {"a"}


def test_one_section_for_each_of_several_databases(tmp_path: Path) -> None:
    """`alembic --name`: each folder is read by its own section, and without one of them it is said which there are."""
    write(tmp_path / "one" / "versions", "a")
    for name, folder in (("a", "two/versions"), ("b", "more")):
        write(tmp_path / folder, name, None if name == "a" else "a")
    for folder in ("one", "two"):
        (tmp_path / folder / "env.py").touch()
    (tmp_path / "alembic.ini").write_text(
        "[shop]\nscript_location = one\n[stock]\nscript_location = %(here)s/two\n"
        "version_locations = %(here)s/two/versions %(here)s/more\n[loggers]\nkeys = root\n"
    )
    assert ids(read(tmp_path / "one")) == {"a"}
    assert ids(read(tmp_path / "two")) == {"a", "b"}
    (problem,) = read(tmp_path).problems
    assert problem.kind is Kind.NO_FOLDER
    assert problem.hint == f"name the folder of one: one [shop], {tmp_path}/two [stock]"


def test_a_script_location_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = ${HOME}/db\n")
    (problem,) = read(tmp_path).problems
    assert (problem.kind, problem.text) == (
        Kind.NO_FOLDER,
        "script_location is ${HOME}/db, and there is no such folder",
    )


@pytest.mark.parametrize(
    ("ini", "line", "text"),
    [
        ("[alembic]\nscript_location\n", 2, "parsing errors"),
        ("script_location = x\n", 1, "no section headers"),
        ("[alembic]\nversion_locations = %(home)s/x\n", 0, "home"),
        ("[alembic]\nversion_locations = a\nversion_path_separator = os  # as it came\n", 0, "Alembic knows"),
        (b"[alembic]\nx = \xff\n", 0, "utf-8"),
    ],
)
def test_settings_that_cannot_be_read(tmp_path: Path, ini: str | bytes, line: int, text: str) -> None:
    folder = project(tmp_path, {"a": None})
    (folder / "alembic.ini").write_bytes(ini if isinstance(ini, bytes) else ini.encode())
    found = read(folder)
    (problem,) = found.problems
    assert (problem.kind, problem.path) == (Kind.SETTINGS, "alembic.ini")
    assert problem.line == line
    assert text in problem.text
    assert ids(found) == {"a"}, "the usual folder is read all the same"


def test_a_separator_that_is_never_used_may_be_anything(tmp_path: Path) -> None:
    """As many projects have it: a comment on the line is part of the value."""
    folder = project(tmp_path, {"a": None})
    (folder / "alembic.ini").write_text("[alembic]\nversion_path_separator = os  # Use os.pathsep.\nurl = %(nobody)s\n")
    assert not read(folder).problems


@pytest.mark.parametrize(
    "toml",
    [
        "[tool.alembic\n",
        '[tool.alembic]\nversion_locations = ["%(no)s"]\n',
        '[tool.alembic]\nversion_locations = "versions"\n',
        "[tool]\nalembic = 1 # tool.alembic\n",
    ],
)
def test_a_pyproject_that_cannot_be_read(tmp_path: Path, toml: str) -> None:
    folder = project(tmp_path, {"a": None})
    (folder / "pyproject.toml").write_text(toml)
    assert kinds(read(folder)) == [Kind.SETTINGS]
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert kinds(read(folder)) == []


@pytest.mark.parametrize("target", ["nothing.py", "/dev/zero", "huge"])
def test_a_link_to_what_is_no_file(tmp_path: Path, target: str) -> None:
    """A pull request can bring a link to anywhere."""
    folder = project(tmp_path, {"a": None})
    with (folder / "versions" / "huge").open("wb") as file:
        file.truncate(1 << 40)
    (folder / "versions" / "b_x.py").symlink_to(target)
    (problem,) = read(folder).problems
    assert (problem.kind, problem.path) == (Kind.UNREADABLE, "versions/b_x.py")
