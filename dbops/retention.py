"""Retention: which backups of a target stay, which may go, and every reason for it. A pure function of its arguments.

Days, weeks, months and years are counted as they have backups, not as they pass: when backups stop, nothing goes by
counting. The newest backup of a period stands for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from dbops.config import Keep
from dbops.config.units import format_duration
from dbops.config.zones import zone
from dbops.language import msg

SAFETY_AGE = timedelta(days=7)
"""A safety backup is kept this long at least: the time in which somebody may find that the restore was a mistake."""
CLOCK_TOLERANCE = timedelta(minutes=5)
MISSED = 2.0
"""Backups are failing when the newest is older than this many times the allowed age."""
USUAL_STALE = 32 * 86400.0
"""Seconds after which the newest backup is stale where `policy.rpo` does not say: who backs up monthly is in time."""
_PERIODS: dict[str, Callable[[date], str]] = {
    "daily": lambda day: day.isoformat(),
    "weekly": lambda day: "{}-W{:02}".format(*day.isocalendar()[:2]),
    "monthly": lambda day: f"{day:%Y-%m}",
    "yearly": lambda day: f"{day:%Y}",
}


class Proof(NamedTuple):
    """What one verification or drill of a backup came to. One without a verdict on the backup is none."""

    at: datetime
    task: str
    good: bool


class Backup(NamedTuple):
    """What retention knows of a backup. `safety`: made by a restore, of what it replaced. `proofs`: newest first."""

    id: str
    started_at: datetime
    safety: bool = False
    bytes: int = 0
    proofs: tuple[Proof, ...] = ()

    @property
    def red(self) -> bool:
        """The newest word on it is that it is bad."""
        return bool(self.proofs) and not self.proofs[0].good

    @property
    def verified(self) -> bool:
        """The newest word on it is that it is good."""
        return bool(self.proofs) and self.proofs[0].good

    @property
    def drilled(self) -> bool:
        """A drill has restored it, and nothing that came later says that it is bad."""
        return self.verified and any(proof.good and proof.task == "drill" for proof in self.proofs)


class Signs(NamedTuple):
    """What else speaks against deleting backups. Ids are '' for none."""

    unfinished: str = ""
    """The newest id of a run that left no manifest."""
    unusable: str = ""
    """The newest id whose manifest cannot be used."""
    busy: str = ""
    """Somebody works with the target's backups now: who."""
    rpo: float | None = None
    """Seconds that the newest backup may be old."""
    judge_age: bool = True


class Decision(NamedTuple):
    """What becomes of a backup, and every reason for that."""

    backup: Backup
    keep: bool
    reasons: tuple[str, ...]


class Outcome(NamedTuple):
    """Every backup with its decision, newest first; `frozen`: why none is deleted now, whatever the rules say."""

    decisions: tuple[Decision, ...]
    frozen: tuple[str, ...]


def decide(backups: Iterable[Backup], keep: Keep, now: datetime, signs: Signs | None = None) -> Outcome:
    """What becomes of each backup at `now`. Frozen, a backup that would go stays, and says so."""
    ordered = sorted(backups, key=lambda item: item.id, reverse=True)
    why = frozen(ordered, now, signs or Signs())
    routine = [item for item in ordered if not item.safety]
    reasons = _kept(routine, keep, now) | _safety([item for item in ordered if item.safety], routine, keep, now)
    decisions = []
    for item in ordered:
        if item.id in reasons:
            decisions.append(Decision(item, True, tuple(reasons[item.id])))
            continue
        ground = _doomed(item, keep, now)
        if why:
            decisions.append(Decision(item, True, (msg("frozen ({ground})", ground=ground),)))
        else:
            decisions.append(Decision(item, False, (ground,)))
    return Outcome(tuple(decisions), why)


def overdue(backups: Sequence[Backup], keep: Keep, now: datetime, grace: timedelta) -> list[Decision]:
    """What should be gone, and should have been already `grace` ago, by what was known then."""
    then = now - grace
    earlier = [
        item._replace(proofs=tuple(proof for proof in item.proofs if proof.at <= then))
        for item in backups
        if item.started_at <= then
    ]
    past = {item.backup.id for item in decide(earlier, keep, then, Signs(judge_age=False)).decisions if not item.keep}
    return [item for item in decide(backups, keep, now).decisions if not item.keep and item.backup.id in past]


def frozen(ordered: Sequence[Backup], now: datetime, signs: Signs) -> tuple[str, ...]:
    """Why no backup is deleted: the newest run failed, the newest judgement is red, or the clock cannot be right."""
    if not ordered:
        return ()
    newest, why = ordered[0], []
    if signs.busy:
        why.append(signs.busy)
    if signs.unfinished > newest.id:
        why.append(
            msg("the newest run, {unfinished}, left no backup: it failed, or still runs", unfinished=signs.unfinished)
        )
    if signs.unusable > newest.id:
        why.append(msg("the manifest of the newest backup, {unusable}, cannot be used", unusable=signs.unusable))
    age = now - newest.started_at
    if age < -CLOCK_TOLERANCE:
        ahead = format_duration(-age.total_seconds())
        why.append(
            msg(
                "the newest backup, {newest}, was made {ahead} in the future: a clock is wrong",
                newest=newest.id,
                ahead=ahead,
            )
        )
    allowed = signs.rpo * MISSED if signs.rpo is not None else USUAL_STALE
    if signs.judge_age and age.total_seconds() > allowed:
        limit = msg("twice policy.rpo") if signs.rpo is not None else msg("policy.rpo is not set")
        shown = msg(
            "{age} old, more than {allowed} ({limit})",
            age=format_duration(age.total_seconds()),
            allowed=format_duration(allowed),
            limit=limit,
        )
        why.append(msg("the newest backup is {shown}: backups fail or do not run, or a clock is wrong", shown=shown))
    why += _red(ordered, why)
    return tuple(why)


def _red(ordered: Sequence[Backup], known: Sequence[str]) -> list[str]:
    """Judgements that speak against deleting; a backup that a reason of `known` names needs no second one.

    A red one counts until the newest verified backup is verified again, or a newer one is. Compared is with that backup
    alone, since it always stays: were it the newest record of all, that could go with its backup, half-way through.
    """
    judged = next((item for item in ordered if item.proofs), None)
    proved = next((item for item in ordered if item.verified), None)
    red = [item for item in ordered if item.red and (proved is None or item.proofs[0].at > proved.proofs[0].at)]
    latest = max(red, key=lambda item: (item.proofs[0].at, item.id), default=None)
    since = msg(", and {proved} has not been verified since", proved=proved.id) if proved is not None else ""
    why: list[str] = []
    for item, what in (
        (latest, msg("a verification is red{since}", since=since)),
        (judged, msg("the newest verified backup is red")),
    ):
        if item is not None and item.red and not any(item.id in reason for reason in (*known, *why)):
            why.append(msg("{what}: {task} of {item} is FAIL", what=what, task=item.proofs[0].task, item=item.id))
    return why


def _kept(routine: Sequence[Backup], keep: Keep, now: datetime) -> dict[str, list[str]]:
    """Id -> every reason to keep it; `routine` is sorted, the newest first."""
    reasons = defaultdict[str, list[str]](list)
    # A backup that is known to be bad stands for nothing: it would push a good one out.
    sound = [item for item in routine if not item.red]
    for item in (item for item in sound if not _too_old(item, keep, now)):
        if not keep.counts:
            reasons[item.id].append(msg("not older than {age}", age=_age(keep)))
    for kind, count in keep.counts.items():
        _by_count(kind, count, sound, keep, now, reasons)
    if routine:
        reasons[routine[0].id].append(msg("the newest backup"))
    for named, what in (("drilled", msg("the newest drilled backup")), ("verified", msg("the newest verified backup"))):
        if (found := next((item for item in routine if getattr(item, named)), None)) is not None:
            reasons[found.id].append(what)
    proved = next((item.id for item in routine if item.verified), "")
    for item in routine:
        if item.red and item.id > proved:
            reasons[item.id].append(msg("{task} is FAIL, but no newer backup is verified", task=item.proofs[0].task))
    missing = keep.min_keep - sum(item.id in reasons for item in sound)
    others = [item for item in (*sound, *(item for item in routine if item.red)) if item.id not in reasons]
    for item in others[: max(0, missing)]:
        reasons[item.id].append(msg("min_keep {min_keep}", min_keep=keep.min_keep))
    return reasons


def _by_count(
    kind: str, count: int, sound: Sequence[Backup], keep: Keep, now: datetime, reasons: dict[str, list[str]]
) -> None:
    """Adds what `last`, `daily`, `weekly` … keep. What is too old stands for its period all the same, but goes."""
    place, seen = zone(keep.timezone), set[str]()
    for position, item in enumerate(sound, 1):
        label = msg("{position} of {count}", position=position, count=count)
        if kind != "last":
            label = _PERIODS[kind](item.started_at.astimezone(place).date())
        if label in seen:
            continue
        seen.add(label)
        if len(seen) > count:
            break
        if not _too_old(item, keep, now):
            reasons[item.id].append(msg("{kind} {label}", kind=kind, label=label))


def _safety(safety: Sequence[Backup], routine: Sequence[Backup], keep: Keep, now: datetime) -> dict[str, list[str]]:
    """A rule of their own: until a newer routine backup is verified, and `SAFETY_AGE` at least; `max_age` ends it where
    there is a newer routine backup at all. They count for nothing else."""
    newest = routine[0].id if routine else ""
    proved = next((item.id for item in routine if item.verified), "")
    reasons = {}
    for item in safety:
        if now - item.started_at < SAFETY_AGE:
            reasons[item.id] = [msg("a safety backup of the last {days} d", days=SAFETY_AGE.days)]
        elif item.id > proved and not (_too_old(item, keep, now) and item.id < newest):
            reasons[item.id] = [msg("a safety backup, and no newer backup is verified")]
    return reasons


def _doomed(item: Backup, keep: Keep, now: datetime) -> str:
    if item.red:
        return msg("{task} is FAIL, and a newer backup is verified", task=item.proofs[0].task)
    if _too_old(item, keep, now):
        return msg("older than {age}", age=_age(keep))
    return msg("a safety backup that is no longer needed") if item.safety else msg("no rule keeps it")


def _too_old(item: Backup, keep: Keep, now: datetime) -> bool:
    return keep.max_age is not None and (now - item.started_at).total_seconds() > keep.max_age


def _age(keep: Keep) -> str:
    return msg("{max_age} (max_age)", max_age=format_duration(keep.max_age or 0.0))
