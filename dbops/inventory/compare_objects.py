"""Compares the schema objects of a copy with those of the source, kind by kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dbops.engine.restoring import NOT_MADE
from dbops.inventory.rules import Rules, difference
from dbops.language import msg, some
from dbops.model import Finding, Inventory, NotEvaluated, ObjectDigest, Severity

OWNERSHIP = frozenset(
    {"owner", "grant", "default_privilege", "database_owner", "database_grant", "large_object_owner", "user_mapping"}
)
"""Kinds that say to whom something belongs: not compared where a copy was made for another owner."""
PLAIN = frozenset(
    {
        "column_order",
        "comment",
        "database_comment",
        "database_owner",
        "extension",
        "inheritance",
        "large_object_owner",
        "owner",
        "sequence",
        "setting",
    }
)
"""Kinds whose definitions are not printed by the server's own rules: equal on every version."""
VIEW = "view-left-out"
"""Finding of a backup: a view of what is not there, at which a dump program would end."""
_LEFT_OUT = (
    ("invalid-index", "index"),
    ("subscription-left-out", "subscription"),
    (VIEW, "view"),
    (NOT_MADE, "view"),
)


def objects(
    expected: Inventory, found: Inventory, rules: Rules, not_evaluated: list[NotEvaluated]
) -> Iterator[Finding]:
    """All differences between the schema objects of two inventories; what proves nothing goes to `not_evaluated`."""
    skipped = rules.skipped_kinds | (frozenset() if rules.owners else OWNERSHIP)
    for kind in sorted(expected.objects.keys() | found.objects.keys()):
        if kind in skipped:
            continue
        if kind not in expected.objects or kind not in found.objects:
            where = msg("the inventory") if kind not in expected.objects else msg("this dbops")
            not_evaluated.append(
                NotEvaluated(id=kind, reason=msg("{where} does not know this kind of object", where=where))
            )
            continue
        strict = rules.same_series or kind in PLAIN
        undecided: list[str] = []
        defaults = {name for of_kind, name in rules.other_defaults if of_kind == kind}
        of_source = [item for item in expected.objects[kind] if item.name not in defaults]
        by_default = {item.name: item for item in expected.objects[kind] if item.name in defaults}
        of_copy = {item.name: item for item in found.objects[kind]}
        if others := [name for name in sorted(defaults) if by_default.get(name) != of_copy.pop(name, None)]:
            reason = msg("each version makes it otherwise in a new database: {names}", names=some(others))
            not_evaluated.append(NotEvaluated(id=f"{kind}-default", reason=reason))
        yield from _kind(kind, of_source, of_copy, rules, None if strict else undecided)
        if undecided:
            names = some(undecided)
            reason = msg("another version prints definitions differently: {names}", names=names)
            not_evaluated.append(NotEvaluated(id=f"{kind}-definition", reason=reason))
    if not rules.owners and any(expected.objects.get(kind) for kind in OWNERSHIP):
        reason = msg("restored without owners and grants, as asked")
        not_evaluated.append(NotEvaluated(id="owners-and-grants", reason=reason))


def _kind(
    kind: str,
    expected: Iterable[ObjectDigest],
    there: dict[str, ObjectDigest],
    rules: Rules,
    undecided: list[str] | None,
) -> Iterator[Finding]:
    """Objects of one kind; from `there`, the copy's by name, it takes what it has met. With `undecided`, another
    definition proves nothing: its object's name goes there."""
    lacking: dict[str, list[str]] = {}
    for item in expected:
        copied = there.pop(item.name, None)
        subject = f"{kind} {item.name}"
        if copied is None and (reason := _left_out(kind, item.name, rules)):
            lacking.setdefault(reason, []).append(item.name)
        elif copied is None:
            yield difference(f"{kind}-missing", subject, msg("as in the source"), msg("is not there"))
        elif copied != item and kind == "extension":
            yield difference(
                "extension-version", subject, msg("version as in the source"), msg("another"), Severity.WARNING
            )
        elif copied != item and undecided is not None:
            undecided.append(item.name)
        elif copied != item:
            yield difference(f"{kind}-differs", subject, msg("definition as in the source"), msg("another definition"))
    for reason, names in lacking.items():
        why = msg("not made, as the load has told") if reason == NOT_MADE else msg("left out of the dump")
        for name in names if (reason, kind) in _LEFT_OUT else [some(names)]:  # what hangs on them is told at once
            yield difference(reason, f"{kind} {name}", msg("as in the source"), why, Severity.WARNING)
    for name in there:
        yield difference(f"{kind}-extra", f"{kind} {name}", msg("not in the source"), msg("is there"))


def _left_out(kind: str, name: str, rules: Rules) -> str:
    """The finding of the backup that says why its dump lacks this object, or what hangs on it; '' if none does."""
    for reason, of_kind in _LEFT_OUT:
        prefix = f"{of_kind} "
        if kind == of_kind and (reason, name) in rules.known:
            return reason
        if name.startswith(prefix) and (reason, name.removeprefix(prefix)) in rules.known:
            return reason
    if kind == "grant":
        views = (
            why
            for why, view in rules.known
            if why in (VIEW, NOT_MADE) and name.startswith((f"{view} to ", f"{view}."))  # or on a column of it
        )
        return next(views, "")
    return ""
