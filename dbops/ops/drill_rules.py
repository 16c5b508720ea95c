"""What the application asks of a restored copy: its migration head, the business rules, and a command of its own."""

from __future__ import annotations

import os
from decimal import Decimal

from dbops.command import describe_status, redact, run
from dbops.config import Invariant, Target
from dbops.config.urls import Secret, split_password
from dbops.engine.base import Snapshot
from dbops.engine.restoring import Probed, SideDatabase
from dbops.errors import DatabaseError, ToolError
from dbops.evidence import Probe
from dbops.language import msg
from dbops.model import Finding, Manifest, NotEvaluated, Severity

INVARIANT_SECONDS = 300.0
_SAID_CHARACTERS = 1000


def migration_findings(manifest: Manifest, snapshot: Snapshot) -> Probed:
    """The copy's migration heads against those of the source."""
    expected, found = manifest.migration.heads, snapshot.migration_heads()
    if not expected and not found:
        return Probed()
    probe = Probe(id="migration-head", title=msg("the migration head is that of the source"), tried=1)
    if sorted(expected) == sorted(found):
        return Probed(probes=(probe,))
    finding = _error(
        "migration-head", "migrations", ", ".join(expected) or msg("none"), ", ".join(found) or msg("none")
    )
    return Probed(findings=(finding,), probes=(Probe(id=probe.id, title=probe.title, tried=1, found=1),))


def application_findings(target: Target, side: SideDatabase, url: Secret) -> Probed:
    """The target's `invariants`, and its `drill.smoke` command run with `DATABASE_URL` set to the copy."""
    findings: list[Finding] = []
    skipped: list[NotEvaluated] = []
    probes: list[Probe] = []
    if target.invariants:
        broken = invariant_findings(target, side)
        findings += broken
        title = msg("every invariant of dbops.toml holds")
        probes.append(Probe(id="invariant", title=title, tried=len(target.invariants), found=len(broken)))
    if target.drill.smoke is None:
        skipped.append(
            NotEvaluated(id="smoke", reason=msg("no command of the application is configured (drill.smoke)"))
        )
    else:
        failed = _smoke(target, url)
        findings += failed
        title = msg("the application's own command succeeds on the copy")
        probes.append(Probe(id="smoke", title=title, tried=1, found=len(failed)))
    return Probed(tuple(findings), tuple(skipped), tuple(probes))


def invariant_findings(target: Target, side: SideDatabase) -> list[Finding]:
    """The invariants that do not hold."""
    return [finding for rule in target.invariants if (finding := _invariant(rule, side)) is not None]


def _invariant(rule: Invariant, side: SideDatabase) -> Finding | None:
    try:
        value = side.value(rule.sql, INVARIANT_SECONDS)
    except DatabaseError as error:
        return _error("invariant", rule.name, str(rule.equals), error.message, msg("correct the query in dbops.toml"))
    if equal(value, rule.equals):
        return None
    return _error("invariant", rule.name, str(rule.equals), str(value), rule.sql)


def equal(found: object, wanted: object) -> bool:
    """Whether a driver's value is what the configuration says: numbers by value (2 = 2.0 = Decimal), true and false
    also as the 1 and 0 of a server without such a type, else exactly."""
    if isinstance(wanted, bool):
        return isinstance(found, int | Decimal) and found == wanted
    if isinstance(found, bool):
        return False
    if isinstance(found, int | float | Decimal) and isinstance(wanted, int | float):
        return found == wanted or Decimal(str(found)) == Decimal(str(wanted))
    if isinstance(wanted, str) and found is not None and not isinstance(found, str):
        return str(found) == wanted
    return found == wanted


def _smoke(target: Target, url: Secret) -> list[Finding]:
    command = target.drill.smoke
    assert command is not None  # noqa: S101 - the caller has looked
    password = split_password(url)[1]
    secrets = [password] if password else []
    environment = os.environ | {"DATABASE_URL": url.reveal()}
    try:
        result = run(command, env=environment, timeout=float(target.drill.smoke_timeout), secrets=secrets)
    except ToolError as error:
        return [_error("smoke", command[0], msg("status 0"), error.message, error.hint)]
    if result.status == 0:
        return []
    said = redact(f"{result.stdout[-_SAID_CHARACTERS:]}\n{result.stderr[-_SAID_CHARACTERS:]}".strip(), secrets)
    return [_error("smoke", command[0], msg("status 0"), describe_status(result.status), said)]


def _error(kind: str, subject: str, expected: str, actual: str, hint: str = "") -> Finding:
    return Finding(id=kind, severity=Severity.ERROR, subject=subject, expected=expected, actual=actual, hint=hint)
