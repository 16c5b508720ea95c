"""Where a result comes from, as names and values for people: backup, source, server, tool, operator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from dbops.config.units import format_size
from dbops.model import Report
from dbops.report.clean import number


class Fact(NamedTuple):
    """A fact about where and with what a run was made."""

    name: str
    value: str
    exact: bool = False
    """A hash or an address, to be compared character by character."""


_NAMES = {
    "backup": "Backup",
    "manifest_sha256": "SHA-256 of its manifest",
    "inventory_digest": "Digest of its inventory",
    "store": "Store",
    "bytes": "Stored size",
    "tables": "Tables",
    "rows": "Rows",
    "snapshot_at": "Snapshot at",
    "newest_row_at": "Newest row",
    "newest_row_by": "Newest row by",
    "source_database": "Source database",
    "source_server": "Source server (system identifier)",
    "source_version": "Source version",
    "dumped_by": "Dumped by",
    "sandbox": "Restored into",
    "sandbox_version": "Server version of the copy",
    "drilled_at": "Drilled at",
    "dbops_version": "dbops",
    "operator": "Run by",
    "ci_job": "CI job",
    "commit": "Commit",
    "checks_passed": "Checks passed",
    "proved": "Targets with a copy that was checked",
}
_EXACT = frozenset({"backup", "manifest_sha256", "inventory_digest", "store", "source_server", "ci_job", "commit",
                    "sandbox", "html", "junit", "json"})  # fmt: skip
_FILES = ("html", "junit", "json")


def facts(report: Report) -> list[Fact]:
    """Every fact that the run gives, those with a name first; and what became of the server."""
    given = report.provenance
    order = [*(name for name in _NAMES if name in given), *(name for name in given if name not in _NAMES)]
    found = [Fact(_name(name), _value(name, given[name]), name in _EXACT) for name in order if given[name] != ""]
    sandbox = report.evidence.sandbox if report.evidence is not None else None
    if sandbox is not None:
        manner = "made to restore fast (its time is a lower bound)" if sandbox.tuned else "configured like production"
        found.append(Fact("The server was", manner))
        found.append(Fact("Teardown", sandbox.teardown or "not recorded"))
    return found


def _name(name: str) -> str:
    if name in _FILES:
        return f"Report as {'JUnit' if name == 'junit' else name.upper()}"
    return _NAMES.get(name) or name.replace("_", " ").capitalize()


def _value(name: str, value: Any) -> str:
    if name == "bytes" and isinstance(value, int):
        return f"{format_size(value)} ({number(value)} bytes)"
    if name.endswith("_at") and isinstance(value, str):
        return _moment(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return number(value)
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    return msgspec.json.encode(value).decode()


def _moment(text: str) -> str:
    """A time in UTC, to the second."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if moment.tzinfo is not None else text
