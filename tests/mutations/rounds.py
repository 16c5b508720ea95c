"""Mutations that are applied together: one drill for many, each of which must be found by something that names it and
no other. So a table of hundreds of mutations takes dozens of drills."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from dbops.model import Failure, Finding, Report, Verdict
from tests.mutations.bench import wrong

C = TypeVar("C")


class Case(NamedTuple, Generic[C]):
    """`named`: text that an error must hold. `change`: what is done. `alone`: it leaves nothing whole beside it."""

    name: str
    named: str
    change: C
    alone: bool = False
    changes: frozenset[str] = frozenset()
    """Tables that may be named as a whole: nobody else may change anything about them at the same time."""
    touches: frozenset[str] = frozenset()
    """Tables of which something smaller will be named, and of which others may change something smaller, too."""


def rounds(cases: Iterable[Case[C]]) -> list[list[Case[C]]]:
    """As few as a simple way finds: each goes into the first round in which nothing is in its way."""
    found: list[list[Case[C]]] = []
    for case in cases:
        free = (group for group in found if not any(_clash(case, other) for other in group))
        group = next(free, None)
        if group is None:
            found.append([case])
        else:
            group.append(case)
    return found


def _clash(one: Case[C], other: Case[C]) -> bool:
    if one.alone or other.alone or one.named in other.named or other.named in one.named:
        return True
    return bool(one.changes & (other.changes | other.touches) or other.changes & one.touches)


def found_by(report: Report, case: Case[C], group: Sequence[Case[C]]) -> Finding | None:
    """The error that names this case and no other of its round, in the report on a bad backup."""
    if (report.verdict, report.failure) != (Verdict.FAIL, Failure.BAD_BACKUP):
        return None
    others = [other.named for other in group if other.name != case.name]
    texts = (
        (finding, f"{finding.id} {finding.subject} {finding.expected} {finding.actual}") for finding in wrong(report)
    )
    return next((f for f, text in texts if case.named in text and not any(other in text for other in others)), None)
