"""Jobs of GitHub Actions and GitLab CI. For `--all` each target gets a runner of its own."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from dbops.schedule.base import STARTS_SERVERS, File, Schedule
from dbops.schedule.yaml import dump

_GITHUB = """\
# Made by: dbops schedule. Copy to .github/workflows/{name}.yml. Needs dbops.toml in the repository (no password in
# it), and a secret of the repository for each ${{NAME}} that it names, under `env` below. Times are UTC.
"""
_GITLAB = """\
# Made by: dbops schedule. Include it in .gitlab-ci.yml, and make a pipeline schedule with the interval pattern
#   {cron}
# Needs dbops.toml in the repository (no password in it), and a masked CI/CD variable for each ${{NAME}} that it names.
"""


def github(schedule: Schedule) -> list[File]:
    """`${{` in a command would be an expression: it is written as one that gives itself."""
    every = "--all" in schedule.argv
    argv = [text for text in schedule.argv if text != "--all"]
    command = " ".join(shlex.quote(text).replace("${{", "${{ '${{' }}") for text in argv)
    install: list[Any] = [
        {"uses": "actions/checkout@v5"},
        {"uses": "actions/setup-python@v6", "with": {"python-version": "3.12"}},
        {"run": "pip install 'dbops[tools]'"},
    ]
    run: dict[str, Any] = {"run": command}
    if every:
        run = {"run": f'{command} --target "$TARGET"', "env": {"TARGET": "${{ matrix.target }}"}}
    steps = [*install, run]
    if schedule.task in STARTS_SERVERS:
        kept = {"name": schedule.name + ("-${{ matrix.target }}" if every else ""), "path": "reports/"}
        steps.append({"uses": "actions/upload-artifact@v5", "if": "always()", "with": kept})
    job: dict[str, Any] = {"runs-on": "ubuntu-24.04", "timeout-minutes": 120, "env": {"DBOPS_LOG_FORMAT": "json"}}
    jobs: dict[str, Any] = {}
    if every:
        find = 'echo "matrix=$(dbops targets --json | tr -d \'\\n\')" >> "$GITHUB_OUTPUT"'
        jobs["targets"] = {
            "runs-on": "ubuntu-24.04",
            "outputs": {"matrix": "${{ steps.find.outputs.matrix }}"},
            "steps": [*install, {"id": "find", "run": find}],
        }
        strategy = {"fail-fast": False, "matrix": "${{ fromJson(needs.targets.outputs.matrix) }}"}
        job = {"needs": "targets", "strategy": strategy, **job}
    jobs[schedule.task] = {**job, "steps": steps}
    document = {
        "name": schedule.name,
        "on": {"schedule": [{"cron": schedule.when.cron()}], "workflow_dispatch": {}},
        "permissions": {"contents": "read"},
        "concurrency": schedule.name,
        "jobs": jobs,
    }
    return [File(f".github/workflows/{schedule.name}.yml", _GITHUB.format(name=schedule.name) + dump(document))]


def gitlab(schedule: Schedule, targets: Sequence[str]) -> list[File]:
    """For several `targets`, a job each: GitLab wants their names beforehand."""
    spread = "--all" in schedule.argv and len(targets) > 1
    argv = [text for text in schedule.argv if not (spread and text == "--all")]
    command = " ".join(map(shlex.quote, argv)) + (' --target "$TARGET"' if spread else "")
    job: dict[str, Any] = {
        "image": "python:3.12-slim",
        "rules": [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}, {"if": '$CI_PIPELINE_SOURCE == "web"'}],
        "variables": {"DBOPS_LOG_FORMAT": "json"},
        **({"parallel": {"matrix": [{"TARGET": list(targets)}]}} if spread else {"resource_group": schedule.name}),
        "timeout": "2h",
        "script": ["pip install --quiet 'dbops[tools]'", command],
    }
    if schedule.task in STARTS_SERVERS:
        reports = {"junit": "reports/junit.xml"}
        job["artifacts"] = {"when": "always", "expire_in": "90 days", "paths": ["reports/"], "reports": reports}
    head = _GITLAB.format(cron=schedule.when.cron())
    return [File(".gitlab-ci.yml", head + dump({schedule.name: job}))]
