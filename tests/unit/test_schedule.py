"""What a schedule prints is what its scheduler reads: spaces, quotes, `%` and `$` come out as they went in."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dbops.errors import ConfigError
from dbops.schedule import ci, crontab, kubernetes, systemd
from dbops.schedule.base import Schedule
from dbops.schedule.when import When, parse
from dbops.schedule.yaml import dump
from tests.needs import need
from tests.unit.test_cli import dbops

HOSTILE = ["plain", "with space", "100% done", "a%%b %h", "$HOME ${HOME}", "it's", 'say "hi"', "back\\slash", "é;&|#~*"]


def a_schedule(folder: Path, **changes: Any) -> Schedule:
    facts: dict[str, Any] = {
        "task": "backup",
        "argv": (str(folder / "dbops"), "backup", "--all"),
        "when": When(45, 2),
        "folder": folder,
        "configuration": folder / "dbops.toml",
    }
    return Schedule(**(facts | changes))


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze") or need("no systemd-analyze")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)


# -- when ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cron", "calendar"),
    [
        ("hourly", "7 * * * *", "*-*-* *:07:00"),
        ("hourly :17", "17 * * * *", "*-*-* *:17:00"),
        ("daily 02:45", "45 2 * * *", "*-*-* 02:45:00"),
        ("Weekly  SUN 4:17", "17 4 * * 0", "Sun *-*-* 04:17:00"),
        ("monthly 1 03:00", "0 3 1 * *", "*-*-01 03:00:00"),
    ],
)
def test_times_in_the_words_of_each(text: str, cron: str, calendar: str) -> None:
    when = parse(text)
    assert (when.cron(), when.calendar()) == (cron, calendar)
    for zone in (None, "Europe/Madrid"):
        done = analyze("calendar", when.calendar(zone))
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "text", ["", "daily", "daily 24:00", "weekly 04:17", "monthly 31 03:00", "* * * * *", "daily 2"]
)
def test_other_times_are_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ConfigError, match="daily 02:45"):
        parse(text)


# -- systemd ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["backup", "drill"])
@pytest.mark.parametrize("name", HOSTILE)
def test_systemd_takes_the_units(tmp_path: Path, name: str, task: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    # Quotes and backslashes in the path of a program itself are refused by systemd, and so by us.
    program = (tmp_path if set(name) & set("'\"\\") else folder) / "dbops"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    argv = (str(program), task, "--target", name)
    schedule = a_schedule(folder, task=task, argv=argv, writes=(folder,), user="daemon", zone="Europe/Madrid")
    paths = []
    for file in systemd.units(schedule):
        paths.append(tmp_path / file.path)
        paths[-1].write_text(file.content)
    done = analyze("--man=no", "verify", *map(str, paths))
    ours = [line for line in done.stderr.splitlines() if "dbops" in line]
    assert ours == [], "it finds the program under its name, and knows every setting"
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", HOSTILE)
def test_words_of_a_unit_are_quoted(tmp_path: Path, name: str) -> None:
    """By the rules of systemd.syntax(7), of which a shell's for double quotes are a part."""
    argv = ("/bin/dbops", "backup", "--target", name)
    service, _ = systemd.units(a_schedule(tmp_path / name, argv=argv, writes=(tmp_path / name,)))
    settings = dict(line.split("=", 1) for line in service.content.splitlines() if "=" in line and line[0] != "#")
    program, *words = (word.replace("%%", "%") for word in shlex.split(settings["ExecStart"]))
    assert (program, *(word.replace("$$", "$") for word in words)) == argv
    assert shlex.split(settings["Environment"]) == [f"DBOPS_CONFIG={tmp_path / name}/dbops.toml".replace("%", "%%")]
    assert shlex.split(settings["ReadWritePaths"]) == [f"-{tmp_path / name}".replace("%", "%%")]


def test_systemd_itself_finds_a_wrong_unit(tmp_path: Path) -> None:
    """That the test before can fail."""
    service, timer = systemd.units(a_schedule(tmp_path))
    for file, content in ((service, service.content + "Nonsense=1\n"), (timer, timer.content)):
        (tmp_path / file.path).write_text(content)
    done = analyze("--man=no", "verify", str(tmp_path / service.path))
    assert "Nonsense" in done.stderr
    assert done.returncode != 0, "the program is not there"


@pytest.mark.parametrize(("task", "most"), [("backup", 30), ("drill", 70)])
def test_the_service_is_hardened(tmp_path: Path, task: str, most: int) -> None:
    service, _ = systemd.units(a_schedule(tmp_path, task=task, user="nobody"))
    (tmp_path / service.path).write_text(service.content)
    done = analyze("security", "--offline=true", f"--threshold={most}", "--no-pager", str(tmp_path / service.path))
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_a_missed_run_is_made_up_for(tmp_path: Path) -> None:
    _, timer = systemd.units(a_schedule(tmp_path))
    assert {"Persistent=true", "RandomizedDelaySec=10min"} <= set(timer.content.splitlines())


# -- cron ------------------------------------------------------------------------------------------------------------


def by_cron(line: str) -> list[str]:
    """The command of a crontab's line as cron gives it to the shell: cut at the first bare `%` (crontab(5))."""
    command = line.split(maxsplit=5)[5]
    said, index = "", 0
    while index < len(command):
        if command[index : index + 2] == "\\%":
            said, index = said + "%", index + 2
            continue
        if command[index] == "%":
            break
        said, index = said + command[index], index + 1
    return ["/bin/sh", "-c", said]


@pytest.mark.parametrize("name", HOSTILE)
def test_cron_runs_what_was_meant(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    script = "import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd(), os.environ['DBOPS_CONFIG']]))"
    (file,) = crontab.lines(a_schedule(folder, argv=(sys.executable, "-c", script, "backup", "--target", name)))
    line = file.content.splitlines()[1]
    done = subprocess.run(by_cron(line), capture_output=True, text=True, check=True, env={"HOME": "/"})
    assert json.loads(done.stdout) == [["backup", "--target", name], str(folder), str(folder / "dbops.toml")]


def test_a_crontab_keeps_what_is_not_ours(tmp_path: Path) -> None:
    schedule = a_schedule(tmp_path)
    other = a_schedule(tmp_path, task="prune")
    before = "MAILTO=dba\n0 1 * * * mine  # begin dbops-backup\n"
    table = crontab.replaced(crontab.replaced(before, schedule), other)
    later = crontab.replaced(table, a_schedule(tmp_path, when=When(1, 1)))
    assert later.startswith(before)
    assert later.count("# begin dbops-backup (") == later.count("# begin dbops-prune (") == 1
    assert "1 1 * * * cd" in later
    assert "45 2 * * * cd" not in later.split("# begin dbops-prune")[0]
    assert (
        crontab.replaced(later, other)
        == later.replace(crontab.lines(other)[0].content, "") + crontab.lines(other)[0].content
    )


# -- YAML ------------------------------------------------------------------------------------------------------------

_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8", exclude_categories=["C"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc-_ :#'{%é", min_size=1), inner, max_size=3),
    max_leaves=8,
)


@given(_plain)
def test_yaml_reads_what_was_written(value: Any) -> None:
    assert yaml.safe_load(dump(value)) == value


@pytest.mark.parametrize("name", HOSTILE)
def test_kubernetes_gets_the_words(tmp_path: Path, name: str) -> None:
    argv = ("dbops", "backup", "--target", f"{name} $(HOME)")
    (file,) = kubernetes.cronjob(a_schedule(tmp_path, argv=argv, image="r/dbops:17"))
    document = yaml.safe_load(file.content)
    assert document["spec"]["schedule"] == "45 2 * * *"
    (container,) = document["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    words = [*container["command"], *container["args"]]
    assert [word.replace("$$(", "$(") for word in words] == list(argv)
    assert "$$(HOME)" in words[-1], "Kubernetes would replace $(HOME)"


@pytest.mark.parametrize("name", HOSTILE)
def test_ci_jobs_run_the_words(tmp_path: Path, name: str) -> None:
    schedule = a_schedule(tmp_path, argv=("dbops", "backup", "--target", f"{name} ${{{{ x }}}}"))
    github = yaml.safe_load(ci.github(schedule)[0].content)
    script = github["jobs"]["backup"]["steps"][-1]["run"]
    assert "${{" not in script.replace("${{ '${{' }}", ""), "no expression but the one that gives itself"
    assert shlex.split(script.replace("${{ '${{' }}", "${{")) == list(schedule.argv)
    gitlab = yaml.safe_load(ci.gitlab(schedule, ["shop"])[0].content)
    assert shlex.split(gitlab["dbops-backup"]["script"][-1]) == list(schedule.argv)


def test_all_targets_are_spread_over_runners(tmp_path: Path) -> None:
    schedule = a_schedule(tmp_path, task="check", argv=("dbops", "check", "--all"))
    github = yaml.safe_load(ci.github(schedule)[0].content)
    assert github["jobs"]["check"]["strategy"]["matrix"] == "${{ fromJson(needs.targets.outputs.matrix) }}"
    assert github["jobs"]["check"]["steps"][-2]["run"] == 'dbops check --target "$TARGET"'
    gitlab = yaml.safe_load(ci.gitlab(schedule, ["shop", "books"])[0].content)
    assert gitlab["dbops-check"]["parallel"] == {"matrix": [{"TARGET": ["shop", "books"]}]}


# -- the task --------------------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a configuration of two targets."""
    folder = tmp_path / "db ops 100%"
    for path in (folder, tmp_path / "store", tmp_path / "metrics"):
        path.mkdir()
    text = f'[store]\nurl = "{tmp_path}/store"\n[notify]\nmetrics = "{tmp_path}/metrics"\n'
    text += '[targets.shop]\nurl = "postgresql://me:hunter2hunter2@h/shop"\n[targets.books]\nurl = "mysql://h/books"\n'
    (folder / "dbops.toml").write_text(text)
    return folder


@pytest.fixture
def programs(tmp_path: Path) -> Callable[[str, str], dict[str, str]]:
    """`programs(name, script)`: a program of that name is found first; the environment for it."""

    def make(name: str, script: str) -> dict[str, str]:
        folder = tmp_path / "programs"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
        return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}

    return make


@pytest.mark.parametrize("kind", ["systemd", "cron", "kubernetes", "github", "gitlab"])
def test_each_kind_is_printed_and_holds_no_secret(place: Path, kind: str) -> None:
    more = ["--image", "r/dbops:17"] if kind == "kubernetes" else []
    done = dbops(place, "schedule", "--kind", kind, "--json", *more)
    assert done.returncode == 0, done.stderr
    files = json.loads(done.stdout)["files"]
    assert len(files) == (2 if kind == "systemd" else 1)
    assert "hunter2" not in done.stdout


def test_units_are_installed_and_systemd_is_told(place: Path, tmp_path: Path, programs: Callable[..., Any]) -> None:
    units = tmp_path / "units"
    environment = programs("systemctl", f'echo "$*" >> {tmp_path}/told')
    arguments = ["schedule", "--install", "--folder", str(units)]
    (tmp_path / "store").rmdir()
    missing = dbops(place, *arguments, "--yes", **environment)
    assert (missing.returncode, f"{tmp_path}/store" in missing.stderr) == (2, True), "a confined unit cannot make it"
    (tmp_path / "store").mkdir()
    refused = dbops(place, *arguments, **environment)
    assert (refused.returncode, units.exists()) == (2, False), "without a terminal and without --yes"
    shown = dbops(place, *arguments, "--dry-run", **environment)
    assert (shown.returncode, units.exists(), "ExecStart" in shown.stdout) == (0, False, True)
    for _ in range(2):
        assert dbops(place, *arguments, "--yes", **environment).returncode == 0
    assert sorted(path.name for path in units.iterdir()) == ["dbops-backup.service", "dbops-backup.timer"]
    told = [line.removeprefix("--user ") for line in (tmp_path / "told").read_text().splitlines()]
    assert told == ["daemon-reload", "enable --now dbops-backup.timer"] * 2
    text = (units / "dbops-backup.service").read_text()
    assert f"WorkingDirectory={tmp_path}/db ops 100%%\n" in text
    assert f'ReadWritePaths="-{tmp_path}/store"\n' in text
    assert stat.S_IMODE((units / "dbops-backup.service").stat().st_mode) & 0o022 == 0


def test_what_systemd_refuses_leaves_nothing(place: Path, tmp_path: Path, programs: Callable[..., Any]) -> None:
    units = tmp_path / "units"
    environment = programs("systemctl", "echo 'not booted with systemd' >&2; exit 1")
    done = dbops(place, "schedule", "--install", "--yes", "--folder", str(units), **environment)
    assert done.returncode == 4
    assert "not booted" in done.stderr
    assert list(units.iterdir()) == []


def test_a_unit_of_somebody_else_is_not_touched(place: Path, tmp_path: Path, programs: Callable[..., Any]) -> None:
    (tmp_path / "dbops-backup.timer").write_text("[Timer]\nOnCalendar=daily\n")
    environment = programs("systemctl", "exit 0")
    done = dbops(place, "schedule", "--install", "--yes", "--folder", str(tmp_path), **environment)
    assert done.returncode == 2
    assert "not touched" in done.stderr
    assert not (tmp_path / "dbops-backup.service").exists()


def test_a_crontab_is_installed(place: Path, tmp_path: Path, programs: Callable[..., Any]) -> None:
    table = tmp_path / "table"
    script = (
        f'[ "$1" = -l ] || {{ cat > {table}; exit; }}; cat {table} 2>&- || {{ echo no crontab for you >&2; exit 1; }}'
    )
    environment = programs("crontab", script)
    for _ in range(2):
        assert dbops(place, "schedule", "--kind", "cron", "--install", "--yes", **environment).returncode == 0
    assert table.read_text().count("# begin dbops-backup") == 1
    programs("crontab", "echo 'you are not allowed' >&2; exit 1")
    done = dbops(place, "schedule", "--kind", "cron", "--install", "--yes", **environment)
    assert (done.returncode, "not allowed" in done.stderr) == (4, True), "what cannot be read is not replaced"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--kind", "anacron"], "systemd, cron"),
        (["--task", "restore"], "backup, verify"),
        (["--target", "nowhere"], "shop, books"),
        (["--when", "sometimes"], "daily 02:45"),
        (["--timezone", "Europe/Madird"], "Europe/Madrid"),
        (["--timezone", "UTC", "--kind", "cron"], "cron uses"),
        (["--kind", "kubernetes"], "--image"),
        (["--kind", "github", "--install"], "--install"),
    ],
)
def test_mistakes_say_what_is_allowed(place: Path, arguments: list[str], told: str) -> None:
    done = dbops(place, "schedule", *arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_a_schedule_needs_a_file(tmp_path: Path) -> None:
    done = dbops(tmp_path, "schedule", DATABASE_URL="postgresql://h/d", DBOPS_STORE="/s")
    assert (done.returncode, "dbops init" in done.stderr) == (2, True)


def test_targets_are_a_matrix(place: Path) -> None:
    found = json.loads(dbops(place, "targets", "--json").stdout)["include"]
    assert [(one["target"], one["engine"]) for one in found] == [("shop", "postgres"), ("books", "mysql")]
    assert "hunter2" not in str(found)
