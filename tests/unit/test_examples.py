"""The templates of CI jobs: they are YAML, what they run exists with these flags, what they keep is what it writes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from invoke.parser import Parser

from dbops.tasks import namespace

EXAMPLES = Path(__file__).parents[2] / "examples"
TEMPLATES = sorted(EXAMPLES.glob("*.yml")) + sorted(EXAMPLES.glob("*.yaml"))


def texts(part: Any) -> Iterator[str]:
    """Every string in a document."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, list | dict):
        for item in part.values() if isinstance(part, dict) else part:
            yield from texts(item)


def commands(path: Path) -> list[list[str]]:
    """The command lines of dbops in a template."""
    lines = (line.strip() for text in texts(yaml.safe_load(path.read_text())) for line in text.splitlines())
    return [shlex.split(line)[1:] for line in lines if line.startswith("dbops ")]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_its_command_lines_are_understood(path: Path) -> None:
    parser = Parser(contexts=namespace.to_contexts())
    for argv in commands(path):
        (parsed,) = parser.parse_argv(argv)
        assert parsed.name in argv


@pytest.mark.parametrize("path", [path for path in TEMPLATES if "weekly" in path.name], ids=lambda path: path.name)
def test_a_weekly_drill_checks_and_keeps_its_reports(path: Path) -> None:
    (argv,) = commands(path)
    assert (argv[0], argv[1]) == ("check", "--sandbox")
    kept = set(texts(yaml.safe_load(path.read_text())))
    assert "reports/" in kept
    (check,) = [task for task in namespace.to_contexts() if task.name == "check"]
    assert {check.args[name].default for name in ("html", "junit")} == {"reports/report.html", "reports/junit.xml"}
    assert ("reports/junit.xml" in kept) == ("gitlab" in path.name)


def test_the_hook_runs_whatever_a_commit_has() -> None:
    """pre-commit matches no deleted file: with a pattern, a commit that only deletes a revision is passed over."""
    (hook,) = yaml.safe_load((EXAMPLES.parent / ".pre-commit-hooks.yaml").read_text())
    assert hook["always_run"]
    assert "files" not in hook
    parser = Parser(contexts=namespace.to_contexts())
    example = yaml.safe_load((EXAMPLES / "pre-commit-config.yaml").read_text())
    [[used]] = [repository["hooks"] for repository in example["repos"]]
    assert used["id"] == hook["id"]
    for arguments in (hook["args"], used["args"]):
        (parsed,) = parser.parse_argv([*shlex.split(hook["entry"])[1:], *arguments])
        assert (parsed.name, parsed.args["static"].value) == ("gate", True)
