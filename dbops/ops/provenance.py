"""Who ran something, and where: for reports that an auditor reads."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from dbops import runs
from dbops.model import Report

_COMMITS = ("GITHUB_SHA", "CI_COMMIT_SHA")
ReportLike = TypeVar("ReportLike", bound=Report)


def operator(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Account and host, and the CI job and commit where the CI system tells them."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        account = str(os.getuid())
    facts = {"operator": f"{account}@{socket.gethostname()}"}
    if job := _job(environment):
        facts["ci_job"] = job
    if commit := next((environment[name] for name in _COMMITS if environment.get(name)), ""):
        facts["commit"] = commit
    return facts


def _job(environment: Mapping[str, str]) -> str:
    """The address of the CI job: GitHub Actions, GitLab, Jenkins."""
    if repository := environment.get("GITHUB_REPOSITORY"):
        server = environment.get("GITHUB_SERVER_URL", "https://github.com")
        return f"{server}/{repository}/actions/runs/{environment.get('GITHUB_RUN_ID', '')}"
    return environment.get("CI_JOB_URL") or environment.get("BUILD_URL", "")


def stamped(report: ReportLike) -> ReportLike:
    """The report with the id of the run that made it, by which it is found in the log."""
    if "run" in report.provenance:
        return report
    return msgspec.structs.replace(report, provenance={**report.provenance, "run": runs.current().id})
