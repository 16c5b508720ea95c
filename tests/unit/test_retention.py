"""Which backups stay: examples of every rule, and what holds for any backups and any policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dbops.config import Keep, Seconds, Zone
from dbops.ids import backup_id
from dbops.retention import SAFETY_AGE, Backup, Proof, Signs, decide, overdue

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def at(moment: datetime, *proofs: Proof, safety: bool = False) -> Backup:
    return Backup(backup_id(moment), moment, safety, 10, proofs)


def nightly(days: int, hour: int = 2) -> list[Backup]:
    """One backup a day, the newest today."""
    newest = NOW.replace(hour=hour)
    return [at(newest - day * DAY) for day in range(days)]


def good(moment: datetime, task: str = "verify") -> Proof:
    return Proof(moment, task, True)


def bad(moment: datetime, task: str = "verify") -> Proof:
    return Proof(moment, task, False)


def kept(backups: list[Backup], keep: Keep, now: datetime = NOW, signs: Signs | None = None) -> dict[str, str]:
    """Date of the id -> reasons, of those that are kept."""
    return {
        item.backup.id: ", ".join(item.reasons) for item in decide(backups, keep, now, signs).decisions if item.keep
    }


def days(backups: list[Backup], keep: Keep, now: datetime = NOW) -> list[str]:
    return [f"{id[4:6]}-{id[6:8]}" for id in kept(backups, keep, now)]


# -- counting ---------------------------------------------------------------------------------------------------------


def test_last() -> None:
    assert list(kept(nightly(9), Keep(last=3)).values()) == [
        "last 1 of 3, the newest backup",
        "last 2 of 3",
        "last 3 of 3",
    ]


def test_overlap_counts_once() -> None:
    found = kept(nightly(60), Keep(daily=3, weekly=2, monthly=2))
    assert list(found.values()) == [
        "daily 2026-11-24, weekly 2026-W48, monthly 2026-11, the newest backup",
        "daily 2026-11-23",
        "daily 2026-11-22, weekly 2026-W47",
        "monthly 2026-10",
    ]
    assert "20261031T020000Z" in found, "the newest of the month stands for it"


def test_several_a_day_the_newest_stands_for_it() -> None:
    backups = [at(NOW - timedelta(hours=hours)) for hours in range(0, 72, 6)]
    assert list(kept(backups, Keep(daily=2))) == ["20261124T120000Z", "20261123T180000Z"]


def test_days_without_a_backup_do_not_count() -> None:
    """Backups have stopped a year ago: nothing goes by counting."""
    backups = [at(NOW - 400 * DAY - day * DAY) for day in range(10)]
    assert len(kept(backups, Keep(daily=7))) == 10, "frozen"
    found = decide(backups, Keep(daily=7), NOW, Signs(judge_age=False)).decisions
    assert sum(item.keep for item in found) == 7


def test_iso_weeks_at_the_turn_of_the_year() -> None:
    backups = [at(datetime(2026, 12, day, 2, tzinfo=UTC)) for day in (26, 27, 28, 31)]
    backups += [at(datetime(2027, 1, day, 2, tzinfo=UTC)) for day in (1, 3, 4)]
    found = kept(backups, Keep(weekly=9), datetime(2027, 1, 4, 12, tzinfo=UTC))
    assert found == {
        "20270104T020000Z": "weekly 2027-W01, the newest backup",
        "20270103T020000Z": "weekly 2026-W53",
        "20261227T020000Z": "weekly 2026-W52",
    }


def test_years() -> None:
    backups = [at(datetime(year, 6, day, tzinfo=UTC)) for year in (2023, 2024, 2025, 2026) for day in (1, 2)]
    assert list(kept(backups, Keep(yearly=3), datetime(2026, 6, 3, tzinfo=UTC))) == [
        "20260602T000000Z",
        "20250602T000000Z",
        "20240602T000000Z",
    ]


def test_the_day_is_that_of_the_time_zone() -> None:
    """22:30 and 23:30 UTC: one day in UTC, two in Madrid (winter: UTC+1)."""
    late = [at(datetime(2026, 11, 23, 22, 30, tzinfo=UTC)), at(datetime(2026, 11, 23, 23, 30, tzinfo=UTC))]
    assert len(kept(late, Keep(daily=9))) == 1
    found = kept(late, Keep(daily=9, timezone=Zone("Europe/Madrid")))
    assert list(found.values()) == ["daily 2026-11-24, the newest backup", "daily 2026-11-23"]


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2026, 3, 29), 23), (datetime(2026, 10, 25), 25), (datetime(2026, 11, 24), 24)],
)
def test_days_of_23_and_25_hours(day: datetime, hours: int) -> None:
    """Hourly backups: those of one local day are one, however long it is; also the hour that comes twice."""
    place = ZoneInfo("Europe/Madrid")
    begin = day.replace(tzinfo=place).astimezone(UTC)
    end = (day + DAY).replace(tzinfo=place).astimezone(UTC)
    backups = [at(begin + timedelta(hours=hour)) for hour in range(hours)]
    assert end - begin == timedelta(hours=hours)
    keep = Keep(daily=9, timezone=Zone("Europe/Madrid"))
    assert list(kept(backups, keep, end)) == [backups[-1].id]
    assert len(kept([at(begin - timedelta(hours=1)), *backups, at(end)], keep, end)) == 3


# -- max_age, min_keep ------------------------------------------------------------------------------------------------


def test_max_age_ends_what_counting_keeps() -> None:
    keep = Keep(monthly=99, max_age=Seconds(70 * 86400))
    assert days(nightly(200), keep) == ["11-24", "10-31", "09-30"]
    [gone] = {item.reasons for item in decide(nightly(200), keep, NOW).decisions if item.backup.id < "20260901"}
    assert gone == ("older than 70 d (max_age)",)


def test_max_age_alone_keeps_all_until_then() -> None:
    assert len(kept(nightly(30), Keep(max_age=Seconds(10 * 86400)))) == 10


def test_min_keep() -> None:
    old = [at(NOW - day * DAY) for day in (20, 21, 22, 23)]
    found = kept(old, Keep(max_age=Seconds(5 * 86400), min_keep=3))
    assert list(found.values()) == ["the newest backup", "min_keep 3", "min_keep 3"]


# -- what is proved ---------------------------------------------------------------------------------------------------


def test_the_last_verified_and_the_last_drilled_stay() -> None:
    backups = nightly(12)
    backups[5] = backups[5]._replace(proofs=(good(NOW - 4 * DAY),))
    backups[8] = backups[8]._replace(proofs=(good(NOW - 7 * DAY, "drill"), good(NOW - 8 * DAY)))
    backups[10] = backups[10]._replace(proofs=(good(NOW - 9 * DAY, "drill"),))
    assert list(kept(backups, Keep(last=1)).values()) == [
        "last 1 of 1, the newest backup",
        "the newest verified backup",
        "the newest drilled backup",
    ]


def test_a_drill_that_a_later_verification_contradicts_is_none() -> None:
    backups = nightly(4)
    backups[1] = backups[1]._replace(proofs=(good(NOW),))
    backups[2] = backups[2]._replace(proofs=(bad(NOW - DAY), good(NOW - 2 * DAY, "drill")))
    backups[3] = backups[3]._replace(proofs=(good(NOW - 3 * DAY, "drill"),))
    found = decide(backups, Keep(last=1), NOW)
    assert [item.keep for item in found.decisions] == [True, True, False, True]
    assert found.decisions[2].reasons == ("verify is FAIL, and a newer backup is verified",)


def test_a_bad_backup_stands_for_no_day() -> None:
    """Two of one day, the newer one bad: the older one is the day's."""
    morning, noon, today = at(NOW - DAY), at(NOW - DAY + timedelta(hours=3), bad(NOW - DAY)), at(NOW, good(NOW))
    found = kept([morning, noon, today], Keep(daily=2))
    assert list(found) == [today.id, morning.id]
    assert "daily 2026-11-23" in found[morning.id]


def test_a_bad_backup_stays_while_no_newer_one_is_verified() -> None:
    backups = [*nightly(3), at(NOW - 5 * DAY, bad(NOW - 5 * DAY)), at(NOW - 6 * DAY, good(NOW))]
    found = decide(backups, Keep(last=1), NOW)
    assert "no newer backup is verified" in found.decisions[3].reasons[0]


# -- safety backups ---------------------------------------------------------------------------------------------------


def test_safety_backups_have_a_rule_of_their_own() -> None:
    young = at(NOW - SAFETY_AGE + DAY, safety=True)
    waiting = at(NOW - SAFETY_AGE - DAY, safety=True)
    proved = at(NOW - SAFETY_AGE - 2 * DAY, good(NOW))
    done = at(NOW - SAFETY_AGE - 3 * DAY, safety=True)
    newest = at(NOW)
    found = decide([young, waiting, proved, done, newest], Keep(last=1), NOW)
    assert {item.backup.id: item.keep for item in found.decisions} == {
        newest.id: True,
        young.id: True,
        waiting.id: True,
        proved.id: True,
        done.id: False,
    }
    assert found.decisions[-1].reasons == ("a safety backup that is no longer needed",)


def test_safety_backups_stand_for_no_day_and_are_not_counted() -> None:
    backups = [at(NOW - timedelta(hours=3)), at(NOW - timedelta(hours=1), safety=True)]
    assert "last 1 of 1" in kept(backups, Keep(last=1))[backups[0].id]


# -- frozen -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signs", "why"),
    [
        (Signs(unfinished="20261124T090000Z"), "the newest run, 20261124T090000Z, left no backup"),
        (Signs(unusable="20261124T090000Z"), "cannot be used"),
        (Signs(busy="locked by somebody"), "locked by somebody"),
        (Signs(rpo=3600.0), "twice policy.rpo"),
    ],
)
def test_frozen(signs: Signs, why: str) -> None:
    found = decide(nightly(9), Keep(last=3), NOW, signs)
    assert why in found.frozen[0]
    assert all(item.keep for item in found.decisions)
    assert found.decisions[-1].reasons == ("frozen (no rule keeps it)",)


@pytest.mark.parametrize(
    "signs",
    [Signs(unfinished="20261124T010000Z"), Signs(unusable="20261124T010000Z"), Signs(rpo=6 * 3600.0)],
)
def test_not_frozen_by_what_is_older_than_the_newest_backup(signs: Signs) -> None:
    assert decide(nightly(9), Keep(last=3), NOW, signs).frozen == ()


def test_frozen_while_the_clock_is_wrong() -> None:
    backups = nightly(9)
    assert decide(backups, Keep(last=1), backups[0].started_at - timedelta(minutes=2)).frozen == ()
    assert "in the future" in decide(backups, Keep(last=1), backups[0].started_at - timedelta(hours=2)).frozen[0]
    assert "a clock is wrong" in decide(backups, Keep(last=1), NOW + 400 * DAY).frozen[0]


def test_frozen_while_the_newest_verification_is_red() -> None:
    backups = nightly(9)
    backups[4] = backups[4]._replace(proofs=(bad(NOW),))
    backups[0] = backups[0]._replace(proofs=(good(NOW - timedelta(hours=1)),))
    assert decide(backups, Keep(last=1), NOW).frozen == (
        f"a verification is red, and {backups[0].id} has not been verified since: verify of {backups[4].id} is FAIL",
    )
    backups[0] = backups[0]._replace(proofs=(good(NOW),))
    assert decide(backups, Keep(last=1), NOW).frozen == ()


def test_frozen_by_a_red_verification_whatever_older_backup_is_verified_after_it() -> None:
    """Else a prune that ends after it has deleted that older one would freeze the next."""
    backups = nightly(3)
    backups[0] = backups[0]._replace(proofs=(good(NOW - timedelta(hours=3)),))
    backups[1] = backups[1]._replace(proofs=(bad(NOW - timedelta(hours=2)),))
    backups[2] = backups[2]._replace(proofs=(good(NOW - timedelta(hours=1)),))
    assert decide(backups, Keep(last=1), NOW).frozen == decide(backups[:2], Keep(last=1), NOW).frozen != ()


def test_frozen_while_the_newest_verified_backup_is_red() -> None:
    """`verify --backup all` ends with the oldest, which is good."""
    backups = nightly(9)
    backups[1] = backups[1]._replace(proofs=(bad(NOW - timedelta(minutes=9)),))
    backups[8] = backups[8]._replace(proofs=(good(NOW),))
    assert "the newest verified backup is red" in decide(backups, Keep(last=1), NOW).frozen[0]
    backups[0] = backups[0]._replace(proofs=(good(NOW),))
    assert decide(backups, Keep(last=1), NOW).frozen == ()


# -- overdue ----------------------------------------------------------------------------------------------------------


def test_overdue_gives_a_day_of_grace() -> None:
    assert overdue(nightly(4), Keep(last=3), NOW, DAY) == []
    late = overdue(nightly(6), Keep(last=3), NOW, DAY)
    assert [item.backup.id for item in late] == ["20261120T020000Z", "20261119T020000Z"]


def test_what_only_a_new_proof_lets_go_is_not_overdue() -> None:
    backups = nightly(6)
    backups[5] = backups[5]._replace(proofs=(good(NOW - 5 * DAY),))
    assert len(overdue(backups, Keep(last=3), NOW, DAY)) == 1
    backups[1] = backups[1]._replace(proofs=(good(NOW),))
    assert len(overdue(backups, Keep(last=3), NOW, DAY)) == 1, "the old verified one was needed a day ago"


# -- whatever the backups and the policy ------------------------------------------------------------------------------

MOMENTS = st.integers(0, 900 * 24).map(lambda hours: NOW - timedelta(hours=hours))
PROOFS = st.lists(
    st.builds(Proof, MOMENTS, st.sampled_from(["verify", "drill"]), st.sampled_from([True, True, False])), max_size=3
).map(lambda found: tuple(sorted(found, reverse=True)))
ONE = st.builds(lambda moment, proofs, safety: at(moment, *proofs, safety=safety), MOMENTS, PROOFS, st.booleans())
BACKUPS = st.lists(ONE, max_size=40, unique_by=lambda item: item.id)
COUNT = st.integers(0, 5)
KEEP = st.builds(
    Keep,
    last=COUNT,
    daily=COUNT,
    weekly=COUNT,
    monthly=COUNT,
    yearly=COUNT,
    max_age=st.one_of(st.none(), st.integers(1, 800).map(lambda days: Seconds(days * 86400))),
    min_keep=st.integers(1, 5),
    timezone=st.sampled_from([Zone("UTC"), Zone("Europe/Madrid"), Zone("Pacific/Apia")]),
).filter(lambda keep: bool(keep.counts or keep.max_age))
CALM = Signs(judge_age=False)


@settings(max_examples=150)
@given(BACKUPS, KEEP)
def test_what_must_stay_stays(backups: list[Backup], keep: Keep) -> None:
    outcome = decide(backups, keep, NOW, CALM)
    stays = {item.backup.id for item in outcome.decisions if item.keep}
    routine = sorted((item for item in backups if not item.safety), reverse=True)
    assert len(outcome.decisions) == len(backups)
    assert all(item.reasons for item in outcome.decisions)
    assert len(stays & {item.id for item in routine}) >= min(keep.min_keep, len(routine))
    for wanted in (routine[:1], [b for b in routine if b.verified][:1], [b for b in routine if b.drilled][:1]):
        assert {item.id for item in wanted} <= stays
    if outcome.frozen:
        assert len(stays) == len(backups)
    for item in backups:
        if item.safety and NOW - item.started_at < SAFETY_AGE:
            assert item.id in stays


@settings(max_examples=150)
@given(BACKUPS, KEEP, st.data())
def test_what_goes_changes_nothing_for_what_stays(backups: list[Backup], keep: Keep, data: st.DataObject) -> None:
    """Two prunes at once, and one that was interrupted: with any part of it deleted, the same is kept."""
    outcome = decide(backups, keep, NOW, CALM)
    stays = [item.backup for item in outcome.decisions if item.keep]
    goes = [item.backup for item in outcome.decisions if not item.keep]
    left = data.draw(st.lists(st.sampled_from(goes), unique=True)) if goes else []
    again = decide([*left, *stays], keep, NOW, CALM)
    assert not again.frozen or outcome.frozen
    if not again.frozen:
        assert {item.backup.id: item.reasons for item in again.decisions if item.keep} == {
            item.backup.id: item.reasons for item in outcome.decisions if item.keep
        }


@settings(max_examples=200)
@given(BACKUPS, KEEP, st.randoms())
def test_the_order_of_the_listing_does_not_matter(backups: list[Backup], keep: Keep, random: object) -> None:
    mixed = list(backups)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert decide(mixed, keep, NOW, CALM) == decide(backups, keep, NOW, CALM)


@settings(max_examples=200)
@given(BACKUPS, KEEP)
def test_without_max_age_time_alone_deletes_only_safety_backups(backups: list[Backup], keep: Keep) -> None:
    keep = Keep(last=keep.last or 1, daily=keep.daily, weekly=keep.weekly, monthly=keep.monthly, yearly=keep.yearly)
    routine = [item for item in backups if not item.safety]
    later = decide(routine, keep, NOW + 5000 * DAY, CALM)
    assert [item.keep for item in later.decisions] == [item.keep for item in decide(routine, keep, NOW, CALM).decisions]


@settings(max_examples=150)
@given(BACKUPS, st.integers(1, 5), st.sampled_from(["daily", "weekly", "monthly", "yearly"]))
@example(nightly(9), 2, "daily")
def test_each_period_keeps_its_newest_sound_backup(backups: list[Backup], count: int, kind: str) -> None:
    """Against a model of its own: the last `count` periods that have one."""
    name = {"daily": "%Y-%m-%d", "weekly": "%G-W%V", "monthly": "%Y-%m", "yearly": "%Y"}[kind]
    newest: dict[str, str] = {}
    for item in sorted(backups):
        if not item.safety and not item.red:
            newest[item.started_at.strftime(name)] = item.id
    expected = {newest[label]: f"{kind} {label}" for label in sorted(newest)[-count:]}
    keep = msgspec.structs.replace(Keep(), **{kind: count})
    outcome = decide(backups, keep, NOW, CALM)
    found = {item.backup.id: item.reasons for item in outcome.decisions if item.keep}
    assert {id: reason for id, reasons in found.items() for reason in reasons if reason.startswith(kind)} == expected
