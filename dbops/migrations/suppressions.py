"""What the rules found, after the settings of a target and the suppressions have had their say.

A suppression hides nothing: what it took away stays in the report, with its reason, owner and expiry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from dbops.config import Suppress
from dbops.errors import ConfigError
from dbops.language import msg
from dbops.migrations.allowances import FORM
from dbops.migrations.history import History
from dbops.migrations.places import Place, place_of
from dbops.migrations.rules import RULES, close_to
from dbops.migrations.values import Allowance
from dbops.model import Finding, Severity
from dbops.values import Value

OFF = "off"
LEVELS = (OFF, Severity.ERROR.value, Severity.WARNING.value, Severity.INFO.value)


class Suppression(Value, frozen=True):
    """`revision`: as in `config.Suppress`. `where`: the comment's place, or `dbops.toml`; `lines`: the first and the
    last that a comment is about."""

    rule: str
    revision: str
    reason: str
    owner: str
    expires: date
    where: str
    lines: tuple[int, int] | None = None


class Suppressed(Value, frozen=True):
    """A finding that counts for nothing, and who said so."""

    finding: Finding
    by: Suppression


class Weighed(NamedTuple):
    """`findings` count; `off` are the rules that the settings have switched off."""

    findings: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...] = ()
    off: tuple[str, ...] = ()


def check_settings(rules: Mapping[str, str], suppress: Iterable[Suppress], label: str) -> None:
    """`ConfigError` for a rule or a level that does not exist, and for a rule that must stand."""
    for name, level in rules.items():
        _check_rule(name, f"{label}.rules.{name}", msg("switched off or weighed anew"))
        if level not in LEVELS:
            hint = msg("allowed: {levels}", levels=", ".join(LEVELS))
            raise ConfigError(
                msg("{label}.rules.{name} = {level!r}: unknown value", label=label, name=name, level=level),
                hint=hint,
                kind="config-value",
            )
    for index, one in enumerate(suppress):
        _check_rule(one.rule, f"{label}.suppress[{index}].rule", "suppressed")


def _check_rule(name: str, key: str, what: str) -> None:
    rule = RULES.get(name)
    if rule is None:
        hint = msg("{close_to}all rules: dbops gate --rules", close_to=close_to(name))
        raise ConfigError(msg("{key}: there is no rule {name!r}", key=key, name=name), hint=hint, kind="config-key")
    if rule.firm:
        raise ConfigError(
            msg("{key}: this rule cannot be {what}", key=key, what=what), hint=rule.why, kind="config-value"
        )


def weigh(
    found: Sequence[Finding],
    history: History,
    *,
    rules: Mapping[str, str],
    suppress: Iterable[Suppress],
    evaluated: Collection[str],
    today: date,
) -> Weighed:
    """`evaluated`: the rules that were judged at all: a suppression of another one is not called unused."""
    own: list[Finding] = []
    written = [_configured(one) for one in suppress]
    for revision in history.revisions:
        for comment in revision.allowances:
            place = f"{revision.path}:{comment.line}"
            if wrong := comment.wrong or _unusable(comment):
                own.append(_wrong(place, wrong))
            else:
                written.append(_beside(comment, revision.id, place))
    valid = [one for one in written if one.expires >= today]
    own += [_expired(one) for one in written if one.expires < today]
    ids = {revision.path: revision.id for revision in history.revisions}
    findings: list[Finding] = []
    suppressed: list[Suppressed] = []
    for finding in _levels(found, rules):
        by = None if _firm(finding) else next((one for one in valid if _holds(one, finding, ids)), None)
        if by is None:
            findings.append(finding)
        else:
            suppressed.append(Suppressed(finding=finding, by=by))
    used = {id(one.by) for one in suppressed}
    for one in valid:
        # One in a file stays there when the revision has long been applied, and nobody judges it any more.
        if id(one) not in used and one.lines is None and one.rule in evaluated:
            own.append(_unused(one))
    off = tuple(name for name, level in rules.items() if level == OFF)
    return Weighed((*findings, *own), tuple(suppressed), off)


def _levels(found: Iterable[Finding], rules: Mapping[str, str]) -> Iterable[Finding]:
    """Findings at the weight that the settings give. One that a rule has made lighter itself keeps its own."""
    for finding in found:
        level = rules.get(finding.id)
        if level == OFF:
            continue
        own = finding.id in RULES and finding.severity is RULES[finding.id].severity
        yield finding if level is None or not own else msgspec.structs.replace(finding, severity=Severity(level))


def _firm(finding: Finding) -> bool:
    return finding.id in RULES and RULES[finding.id].firm


def _holds(one: Suppression, finding: Finding, ids: Mapping[str, str]) -> bool:
    if one.rule != finding.id:
        return False
    place = place_of(finding.subject) or Place(finding.subject, 0)
    if one.lines is not None:
        return ids.get(place.path) == one.revision and one.lines[0] <= place.line <= one.lines[1]
    return one.revision in (ids.get(place.path), place.path, finding.subject)


def _configured(one: Suppress) -> Suppression:
    return Suppression(
        rule=one.rule,
        revision=one.revision,
        reason=one.reason,
        owner=one.owner,
        expires=one.expires,
        where="dbops.toml",
    )


def _beside(one: Allowance, revision: str, place: str) -> Suppression:
    return Suppression(
        rule=one.rule,
        revision=revision,
        reason=one.reason,
        owner=one.owner,
        expires=one.expires,
        where=place,
        lines=(one.first, one.last),
    )


# --- findings about suppressions --------------------------------------------------------------------------------


def _unusable(one: Allowance) -> str:
    if one.rule not in RULES:
        return msg("there is no rule {rule}", rule=one.rule)
    return msg("{rule} cannot be suppressed", rule=one.rule) if RULES[one.rule].firm else ""


def _wrong(place: str, why: str) -> Finding:
    return Finding(
        id="migration-suppression-wrong",
        severity=Severity.ERROR,
        subject=place,
        expected=FORM,
        actual=why,
        hint=msg("correct the comment, or delete it; all rules: dbops gate --rules"),
    )


def _expired(one: Suppression) -> Finding:
    return Finding(
        id="migration-suppression-expired",
        severity=Severity.WARNING,
        subject=one.where,
        expected=msg(
            "{rule} of {revision} is allowed until {expires}", rule=one.rule, revision=one.revision, expires=one.expires
        ),
        actual=msg("that day has passed: it suppresses nothing"),
        hint=msg("mend the cause, or ask {owner} to decide anew ({reason})", owner=one.owner, reason=one.reason),
    )


def _unused(one: Suppression) -> Finding:
    return Finding(
        id="migration-suppression-unused",
        severity=Severity.INFO,
        subject=one.where,
        expected=msg("a finding {rule} of {revision}", rule=one.rule, revision=one.revision),
        actual=msg("there is none"),
        hint=msg("delete the suppression, or correct its revision"),
    )
