"""How a restored copy is tried out, on any server: tasks in a few sessions, what each gives, and one result of all.

See `SideDatabase.examine`. What is tried, and what a server's errors mean, is each engine's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Generic, NamedTuple, TypeVar

from dbops.engine.restoring import Probed
from dbops.engine.spread import in_sessions
from dbops.evidence import Probe
from dbops.language import msg, some
from dbops.model import Finding, NotEvaluated, Severity
from dbops.progress import Progress

SHOWN = 20
"""At most so many keys, or names, are shown of one object."""
_LONGEST = 60
_Session = TypeVar("_Session")
_Failure = TypeVar("_Failure", bound=Exception)


class Skipped(NamedTuple):
    """Something that could not be tried, and why."""

    reason: str
    subject: str


class Outcome(NamedTuple):
    """What a task gave: how many things it tried, what it found, what it could not try."""

    tried: int = 0
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()


class Task(NamedTuple, Generic[_Session, _Failure]):
    """A piece of work for one session. `bytes` is how much it reads; `work` may raise an error of the driver, which
    `failed` then turns into an outcome. Without one, or where it gives None, that was not tried."""

    kind: str
    label: str
    bytes: int
    work: Callable[[_Session], Outcome]
    failed: Callable[[_Failure], Outcome | None] | None = None


def run_tasks(
    tasks: Sequence[Task[_Session, _Failure]],
    jobs: int,
    session: Callable[[], AbstractContextManager[_Session]],
    outcome: Callable[[_Session, Task[_Session, _Failure]], Outcome],
    progress: Progress,
) -> list[tuple[Task[_Session, _Failure], Outcome]]:
    """All tasks, largest first, in at most `jobs` sessions; `outcome` says what one gives. Raises what a session
    raises, and what `outcome` does."""

    def tried(opened: _Session, task: Task[_Session, _Failure]) -> Outcome:
        progress.item(f"{task.kind}: {task.label}")
        found = outcome(opened, task)
        progress.advance(task.bytes)
        return found

    return in_sessions(sorted(tasks, key=lambda task: -task.bytes), jobs, session, tried, name="examine")


def summary(titles: Mapping[str, str], results: Iterable[tuple[Task[_Session, _Failure], Outcome]]) -> Probed:
    """Outcomes by kind of probe: one probe each, and one `NotEvaluated` for each reason. `titles`: of all kinds."""
    outcomes: dict[str, list[Outcome]] = {kind: [] for kind in titles}
    for task, outcome in results:
        outcomes[task.kind].append(outcome)
    findings: list[Finding] = []
    skipped: list[NotEvaluated] = []
    probes: list[Probe] = []
    for kind, found in outcomes.items():
        tried = sum(outcome.tried for outcome in found)
        here = sorted(dict.fromkeys(f for outcome in found for f in outcome.findings), key=lambda f: (f.subject, f.id))
        findings += here
        if tried:
            objects = {finding.subject for finding in here}
            probes.append(Probe(id=kind, title=titles[kind], tried=tried, found=len(objects)))
        reasons: dict[str, list[str]] = {}
        for outcome in found:
            for reason, subject in outcome.skipped:
                reasons.setdefault(reason, []).append(subject)
        skipped += [
            NotEvaluated(id=kind, reason=msg("{why}: {who}", why=why, who=shown(sorted(who))))
            for why, who in sorted(reasons.items())
        ]
    return Probed(tuple(findings), tuple(skipped), tuple(probes))


def error(kind: str, subject: str, expected: str, actual: str, hint: str = "") -> Finding:
    """A finding of severity ERROR."""
    return Finding(id=kind, severity=Severity.ERROR, subject=subject, expected=expected, actual=actual, hint=hint)


def graded(finding: Finding, severity: Severity) -> Finding:
    """The finding, as a warning that says so if the source has the same fault."""
    if severity is not Severity.WARNING:
        return finding
    return Finding(
        id=finding.id,
        severity=severity,
        subject=finding.subject,
        expected=finding.expected,
        actual=msg("{actual}, as in the source", actual=finding.actual),
        hint=finding.hint,
    )


def shown(items: Sequence[str], count: int | None = None) -> str:
    """The first ones, and how many more there are of `count` in all."""
    return some(items, SHOWN, count=count)


def named(columns: Sequence[str], values: Sequence[object]) -> str:
    """`a=1, b=2` of a key's columns; long values are cut."""
    return ", ".join(f"{column}={_cut(value)}" for column, value in zip(columns, values, strict=True))


def _cut(value: object) -> str:
    if isinstance(value, bytes):
        value = f"0x{value.hex()}"
    text = "NULL" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
