"""merge writes one revision for several heads, if they are shown to commute; as the application's own tool would."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dbops.config import Migrations
from dbops.errors import ConfigError, RefusedError
from dbops.migrations.history import read
from dbops.migrations.rules import of_step
from dbops.migrations.runner_place import find_place
from dbops.model import Verdict
from dbops.ops.gate import Settings
from dbops.ops.gate_commute import Commuter
from dbops.ops.gate_steps import Outcome, Step
from dbops.ops.merge import Merged, Request, merge
from dbops.ops.migration_ground import Ground
from dbops.sandbox.base import Sandbox
from tests.integration.test_commute import BASE, CASES, INNOCENT, branches
from tests.migration_apps import alembic_app, flask_app, local_server, workshop, write
from tests.unit.test_cli import dbops

FINE = branches(*INNOCENT["26 other tables"])
BAD = branches(*CASES["22 the same type"][:2])
NOW = datetime(2026, 11, 24, 2, 45, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with local_server("postgres") as running:
        yield running


def merged(settings: Migrations, server: Sandbox, request: Request = Request()) -> Merged:  # noqa: B008 - a value
    history = read(settings.directory)
    with workshop(settings, server, history) as shop:
        proof = Commuter(shop, always=True).step()
        return merge(Ground(history), Settings(), find_place(settings), proof, request, clock=lambda: NOW)


def rendered(settings: Migrations, request: Request = Request()) -> Merged:  # noqa: B008 - a value
    """As `merged`, where the file is what matters: that the heads commute is taken for shown."""
    shown = Step("commutativity", lambda _: Outcome(judged=of_step("commutativity")))
    return merge(Ground(read(settings.directory)), Settings(), find_place(settings), shown, request, clock=lambda: NOW)


def names(settings: Migrations) -> list[str]:
    return sorted(path.name for path in settings.directory.joinpath("versions").iterdir() if path.is_file())


def test_branches_that_commute_get_one_head_in_the_style_of_the_application(tmp_path: Path, server: Sandbox) -> None:
    settings = alembic_app(tmp_path, FINE)
    done = merged(settings, server)
    assert done.report.verdict is Verdict.PASS
    assert done.file is not None
    assert len(done.file.id) <= 32
    assert done.file.path.name == f"{done.file.id}_merge_one_and_two.py"
    assert read(settings.directory).heads == (done.file.id,)
    text = done.file.path.read_text()
    assert f"revision: str = '{done.file.id}'" in text
    assert "down_revision: Union[str, Sequence[str], None] = ('one', 'two')" in text
    assert done.file.path.stat().st_mode & 0o777 == 0o644
    assert not [name for name in names(settings) if name.startswith(".")]
    heads = subprocess.run(
        [sys.executable, "-m", "alembic", "heads"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert heads.stdout.split()[0] == done.file.id


def test_again_it_has_nothing_to_do(tmp_path: Path) -> None:
    settings = alembic_app(tmp_path, FINE)
    rendered(settings)
    before = names(settings)
    again = rendered(settings)
    assert (again.file, again.report.verdict, names(settings)) == (None, Verdict.PASS, before)


def test_two_people_write_the_same_revision(tmp_path: Path) -> None:
    here, there = (alembic_app(tmp_path / name, FINE) for name in ("here", "there"))
    files = [rendered(settings, Request(dry_run=True)).file for settings in (here, there)]
    assert files[0] is not None
    assert files[1] is not None
    assert (files[0].id, files[0].path.name, files[0].text) == (files[1].id, files[1].path.name, files[1].text)


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    settings = alembic_app(tmp_path, FINE)
    before = names(settings)
    done = rendered(settings, Request(message="Merge: two Things", dry_run=True))
    assert done.file is not None
    assert done.file.path.name.endswith("_merge_two_things.py")
    assert names(settings) == before


def test_branches_that_do_not_commute_are_not_merged(tmp_path: Path, server: Sandbox) -> None:
    settings = alembic_app(tmp_path, BAD)
    before = names(settings)
    done = merged(settings, server)
    assert (done.file, done.report.verdict, names(settings)) == (None, Verdict.FAIL, before)
    assert "migration-branches-differ" in [one.id for one in done.report.findings]


def test_unless_somebody_says_why_which_stays_in_the_docstring(tmp_path: Path, server: Sandbox) -> None:
    settings = alembic_app(tmp_path, BAD)
    done = merged(settings, server, Request(accept='200 is "meant"""\n\\ (Ana)'))
    assert done.file is not None
    assert done.report.verdict is Verdict.PASS
    assert "migration-branches-differ" in [one.id for one in done.report.findings], "and the report still says so"
    text = ast.get_docstring(ast.parse(done.file.path.read_text()))
    assert text is not None
    assert "not shown to commute: 200 is \"meant''' \\ (Ana)" in text


def test_what_could_not_be_shown_is_not_merged(tmp_path: Path, server: Sandbox) -> None:
    broken = {**FINE, "root": (None, "raise RuntimeError('only on our own server')")}
    settings = alembic_app(tmp_path, broken)
    done = merged(settings, server)
    assert (done.file, done.report.verdict) == (None, Verdict.INCONCLUSIVE)
    assert "only on our own server" in done.report.not_evaluated[0].reason


def test_flask_migrate_with_a_name_of_its_own(tmp_path: Path) -> None:
    settings = flask_app(tmp_path, FINE)
    ini = settings.directory / "alembic.ini"
    ini.write_text(ini.read_text().replace("[alembic]", "[alembic]\nfile_template = %%(year)d_%%(rev)s_%%(slug)s\n", 1))
    done = rendered(settings)
    assert done.file is not None
    assert done.file.path.name == f"2026_{done.file.id}_merge_one_and_two.py"
    assert read(settings.directory).heads == (done.file.id,)


def test_several_version_folders(tmp_path: Path) -> None:
    settings = alembic_app(tmp_path, {"root": (None, BASE)})
    folders = "%(here)s/migrations/versions:%(here)s/more"
    ini = f"[alembic]\nscript_location = migrations\npath_separator = :\nversion_locations = {folders}\n"
    (tmp_path / "alembic.ini").write_text(ini)
    (tmp_path / "more").mkdir()
    write(tmp_path / "more", {"one": FINE["one"]})
    write(settings.directory / "versions", {"two": FINE["two"]})
    done = rendered(settings)
    assert done.file is not None
    assert done.file.path.parent in (tmp_path / "more", settings.directory / "versions")
    assert read(settings.directory).heads == (done.file.id,)


def test_a_template_that_does_not_render_is_named(tmp_path: Path) -> None:
    settings = alembic_app(tmp_path, FINE)
    (settings.directory / "script.py.mako").write_text("revision = ${nowhere.at_all}\n")
    with pytest.raises(ConfigError, match=r"script\.py\.mako"):
        rendered(settings)
    (settings.directory / "script.py.mako").write_text("revision = 'x'\ndown_revision = 'one'\n")
    with pytest.raises(ConfigError, match="the heads are"):
        rendered(settings)
    assert names(settings) == ["one_x.py", "root_x.py", "two_x.py"]


def test_a_broken_graph_is_mended_first(tmp_path: Path) -> None:
    settings = alembic_app(tmp_path, {**FINE, "three": ("missing", "")})
    done = rendered(settings)
    assert (done.file, done.report.verdict) == (None, Verdict.FAIL)
    (settings.directory / "versions" / "four_x.py").write_text("revision = name()\ndown_revision = None\n")
    with pytest.raises(RefusedError, match="four_x"):
        rendered(settings)


def test_three_heads(tmp_path: Path, server: Sandbox) -> None:
    third = 'op.create_table("c", sa.Column("id", sa.Integer, primary_key=True))'
    settings = alembic_app(tmp_path, {**FINE, "three": ("root", third)})
    done = merged(settings, server)
    assert done.file is not None
    assert read(settings.directory)[done.file.id].down == ("one", "three", "two")


def test_the_command(tmp_path: Path, server: Sandbox) -> None:
    settings = alembic_app(tmp_path, FINE)
    (tmp_path / "dbops.toml").write_text(
        f'[targets.shop]\nurl = "postgresql://nobody@127.0.0.1:1/shop"\n'
        f'[targets.shop.drill]\nsandbox = "local"\n'
        f'[targets.shop.migrations]\nkind = "alembic"\ndirectory = "migrations"\npython = "{sys.executable}"\n'
    )
    done = dbops(tmp_path, "merge", "--message", "merge one and two", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["task"], report["verdict"]) == ("merge", "PASS")
    assert report["heads"] == list(read(settings.directory).heads) == [report["provenance"]["revision"]]
    again = dbops(tmp_path, "merge")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (
        0,
        f"nothing to merge: the head is {report['heads'][0]}",
    )


def test_without_a_target_it_says_what_it_needs(tmp_path: Path) -> None:
    done = dbops(tmp_path, "merge", "--directory", "migrations")
    assert done.returncode == 2
    assert "knows no target" in done.stderr
    assert "the database itself is not looked at" in done.stderr
