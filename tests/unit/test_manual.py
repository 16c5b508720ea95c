"""The manual cannot rot: it is made of the tasks; the README names what there is; completion knows every flag."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dbops.errors import ConfigError
from dbops.tasks import manual_pages as manual
from dbops.tasks import namespace
from tests.needs import need
from tests.unit.test_cli import CLEAN, ROOT, dbops

README = (ROOT / "README.md").read_text()
TASKS = sorted(namespace.tasks)


def flags_of(name: str) -> set[str]:
    return {
        f"--{word.replace('_', '-')}"
        for argument in namespace.tasks[name].get_arguments()
        for word in argument.names
        if not argument.positional
    }


def test_the_reference_is_that_of_the_tasks() -> None:
    published = (ROOT / "docs/reference.md").read_text()
    assert published == manual.reference(namespace), "write it anew: invoke help all --markdown > docs/reference.md"


@pytest.mark.parametrize("name", TASKS)
def test_each_page_is_whole(name: str) -> None:
    page = manual.find(namespace, name)
    shown = manual.text(page)
    assert page.examples
    for flag in flags_of(name):
        assert flag in shown
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.parametrize("name", TASKS)
def test_examples_can_be_typed(name: str) -> None:
    """Every flag of an example is one of the task's."""
    for example in manual.find(namespace, name).examples:
        words = example.split()
        assert words[:2] == ["invoke", name], example
        used = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert used <= flags_of(name), example


def test_the_readme_names_only_what_there_is() -> None:
    used = re.findall(r"\b(?:invoke|dbops) ([a-z]+)((?: [^\n`|]*)?)", README)
    known = set(TASKS)
    commands = [(task, rest) for task, rest in used if task in known]
    assert len({task for task, _ in commands}) > 12
    for task, rest in commands:
        for flag in re.findall(r"(?<!\S)--[a-z][a-z-]+", rest.split("&&")[0].split("#")[0]):
            assert flag in flags_of(task) | {"--list", "--help", "--version"}, f"{task} {rest}"


def test_the_readme_knows_every_task() -> None:
    for name in TASKS:
        assert re.search(rf"\b(?:invoke|dbops) {name}\b|`{name}`", README), name


def test_help_of_a_task_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="backup"):
        manual.find(namespace, "bakcup")


def test_help_is_typed(tmp_path: Path) -> None:
    assert "invoke restore --target shop" in dbops(tmp_path, "help", "restore").stdout
    assert "backup" in dbops(tmp_path, "help", "all").stdout
    assert dbops(tmp_path, "help").stdout == dbops(tmp_path, "help", "all").stdout
    wrong = dbops(tmp_path, "help", "nonsense")
    assert (wrong.returncode, "tasks:" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_completion_script(tmp_path: Path, shell: str) -> None:
    done = dbops(tmp_path, "--print-completion-script", shell)
    assert done.returncode == 0
    assert "dbops" in done.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("dbops ba", {"backup", "backups"}),
        ("dbops backup --sto", {"--store"}),
        ("dbops schedule --in", {"--install"}),
    ],
)
def test_bash_completes(tmp_path: Path, typed: str, offered: set[str]) -> None:
    """In a real bash, with the script that dbops prints, and dbops itself to ask."""
    bash = shutil.which("bash") or need("no bash")
    program = Path(sys.executable).with_name("dbops")
    if not program.exists():
        need("dbops is not installed as a program")
    script = dbops(tmp_path, "--print-completion-script", "bash").stdout
    words = typed.split(" ")
    driver = f"""
{script}
function_name=$(complete -p dbops | sed 's/.*-F \\([^ ]*\\).*/\\1/')
COMP_LINE={typed!r}; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({" ".join(map(repr, words))}); COMP_CWORD={len(words) - 1}
$function_name dbops {words[-1]!r} {words[-2]!r}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    path = f"{program.parent}:{CLEAN['PATH']}"
    done = subprocess.run(
        [bash, "-c", driver], cwd=tmp_path, env=CLEAN | {"PATH": path}, capture_output=True, text=True
    )
    assert offered <= set(done.stdout.split()), done.stdout + done.stderr
