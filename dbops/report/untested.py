"""What no drill can prove, beside what this one did not judge: said in every report, so that nobody relies on it."""

from __future__ import annotations

from typing import NamedTuple

from dbops.evidence import Evidence
from dbops.model import Report


class Limit(NamedTuple):
    """Something that was not tested, and why, or what to do about it."""

    what: str
    why: str


def standing(report: Report) -> list[Limit]:
    """The limits of a drill as such."""
    evidence = report.evidence or Evidence()
    limits = [
        Limit("Recovery to a point in time", "A dump holds one moment: what was written after its snapshot is lost."),
        Limit(
            "The server's configuration",
            "Settings, tablespaces, passwords, scheduled jobs and replication of the server are not in a dump.",
        ),
        Limit("Other backups", "This result is about this backup alone, as it was in its store at this moment."),
    ]
    if not any(probe.id == "smoke" for probe in evidence.probes):
        why = "No command of the application was run on the copy; set 'drill.smoke' in dbops.toml."
        limits.append(Limit("Whether the application starts", why))
    if not any(probe.id == "invariant" for probe in evidence.probes):
        why = "No rule of the business was asked; set 'invariants' of the target in dbops.toml."
        limits.append(Limit("Whether the data make sense", why))
    if evidence.sandbox is not None and evidence.sandbox.tuned:
        why = "The server was tuned to restore fast (no fsync, no archiving): in production it takes longer."
        limits.append(Limit("The time a recovery takes in production", why))
    elif evidence.sandbox is not None:
        why = "It was measured on this machine, from this store; another one has other disks and another network."
        limits.append(Limit("The time a recovery takes elsewhere", why))
    if evidence.inventory_level == "counts":
        limits.append(Limit("The content of the rows", 'The inventory has row counts only (inventory = "counts").'))
    return limits
