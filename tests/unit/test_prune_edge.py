"""Retention at the edges: what may stand in `policy.keep`, how a prune is shown, and when its check fails."""

from __future__ import annotations

import io
import json
import os
import zoneinfo
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import checks
from dbops import app, language
from dbops.catalog import Catalog
from dbops.config import Keep, Policy, Seconds
from dbops.config.file import load
from dbops.config.units import format_size
from dbops.console import Lines
from dbops.errors import ConfigError, StoreError
from dbops.model import Failure, Verdict
from dbops.ops import tombstones
from dbops.report import pruning as pages
from dbops.report.json import document
from dbops.session import Session
from dbops.store.local import LocalStore
from dbops.store.s3.errors import translated
from dbops.tasks import pruning as tasks
from tests.fault.kept_backups import TWO, add, backups, exactly, listed, proved, pruned
from tests.unit.samples import MOMENT
from tests.unit.test_migration_checks import Outcomes

DAY = timedelta(days=1)
FULL = """{ last = 3, daily = 7, weekly = 5, monthly = 12, yearly = 2, max_age = "400d", min_keep = 2,
           timezone = "Europe/Madrid", after_backup = true }"""


def settings(folder: Path, keep: str) -> Path:
    file = folder / "dbops.toml"
    file.write_text(
        f'[store]\nurl = "file://{folder}/store"\n[targets.shop]\nurl = "postgresql://nobody@127.0.0.1:1/none"\n'
        f"[targets.shop.policy]\nkeep = {' '.join(keep.split())}\n"
    )
    return file


# -- settings ----------------------------------------------------------------------------------------------------------


def test_every_key(tmp_path: Path) -> None:
    settings(tmp_path, FULL)
    keep = load(environment={}, folder=tmp_path).target().policy.keep
    assert keep == Keep(3, 7, 5, 12, 2, Seconds(400 * 86400), 2, "Europe/Madrid", True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        (
            '{ last = 1, timezone = "Europe/Madird" }',
            ["timezone", "'Europe/Madird' is not a known time zone", "Madrid"],
        ),
        ('{ last = 1, timezone = "../UTC" }', ["timezone", "not a known time zone"]),
        ('{ last = 1, timezone = "Europe" }', ["timezone", "not a known time zone"]),
        ('{ last = 1, timezone = "" }', ["timezone", "not a known time zone"]),
        ("{ last = 1, timezone = 1 }", ["timezone", "string"]),
        ("{ last = -1 }", ["keep.last = -1", "from 0 to 10000"]),
        ("{ last = 1, min_keep = 0 }", ["keep.min_keep = 0", "from 1 to 10000"]),
        ("{}", ["policy.keep: says nothing of what to keep"]),
        ("{ daily = 0 }", ["policy.keep: says nothing of what to keep"]),
        ("{ min_keep = 3 }", ["policy.keep: says nothing of what to keep"]),
        ('{ max_age = "12m" }', ["max_age", "less than a day", "m stands for minutes"]),
        ('{ max_age = "1y" }', ["max_age", "not a duration"]),
        ("{ lst = 3 }", ["keep.lst", "'last'"]),
    ],
)
def test_what_is_refused(tmp_path: Path, keep: str, said: list[str]) -> None:
    settings(tmp_path, keep)
    with pytest.raises(ConfigError) as caught:
        load(environment={}, folder=tmp_path)
    for words in (*said, "dbops.toml", "targets.shop.policy.keep"):
        assert words in str(caught.value)


def test_a_machine_without_time_zones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: str) -> zoneinfo.ZoneInfo:
        raise zoneinfo.ZoneInfoNotFoundError("none")

    monkeypatch.setattr(zoneinfo, "ZoneInfo", none)
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    settings(tmp_path, "{ last = 1 }")
    assert load(environment={}, folder=tmp_path).target().policy.keep
    settings(tmp_path, FULL)
    with pytest.raises(ConfigError, match="install the tzdata package"):
        load(environment={}, folder=tmp_path)


# -- how it is shown ---------------------------------------------------------------------------------------------------


def test_the_table(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    made = [add(store, MOMENT - day * DAY) for day in range(3)]
    store.put("shop/20200101T000000Z/backup.dump", b"half")
    proved(store, made[1], Verdict.PASS, MOMENT, "drill")
    now = MOMENT + timedelta(hours=5)
    policy = Policy(keep=Keep(daily=1, weekly=1, monthly=1))
    found = pruned(store, policy, clock=lambda: now, agreed=False)
    text = pages.text(found, now, deleted=False)
    sizes = {item.id: format_size(item.bytes) for item in found.items}
    first, second, third = (f"{item.id} {age} d   {sizes[item.id]:<7}" for item, age in zip(made, "012", strict=True))
    assert [line.rstrip() for line in text.splitlines()] == [
        "         backup           age   size    proved by   why",
        f"keep     {first.replace('0 d', '5 h')} -           daily 2026-11-24, weekly",
        "                                                    2026-W48, monthly 2026-11,",
        "                                                    the newest backup",
        f"keep     {second} drill PASS  the newest drilled backup,",
        "                                                    the newest verified backup",
        f"delete   {third} -           no rule keeps it",
        "keep     shop/20200101T000000Z 4 B: no manifest, written 0.0 s ago: a backup may",
        "         be running; give --url or wait",
        f"3 kept, 1 to delete, {sizes[made[2].id]}",
    ]
    assert "1 deleted" in pages.text(found, now, deleted=True)


def test_the_columns_are_as_wide_as_what_is_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_catalog", language.read("es"))  # in which 'verify PASS' is longer than its column
    monkeypatch.setattr(language, "_said", {})
    store = LocalStore(tmp_path)
    newest, _ = (add(store, MOMENT - day * DAY) for day in range(2))
    proved(store, newest, Verdict.PASS, MOMENT, "verify")
    found = pruned(store, Policy(keep=Keep(daily=2)), clock=lambda: MOMENT, agreed=False)
    text = pages.text(found, MOMENT, deleted=False)
    assert "verify CORRECTO" in text
    assert len({line.index("daily") for line in text.splitlines() if "daily" in line}) == 1


def test_frozen_is_said_with_what_to_do(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    made = backups(store, 4)
    proved(store, made[0], Verdict.FAIL, app.now())
    text = " ".join(pages.text(pruned(store, agreed=False), app.now(), deleted=False).split())
    assert f"frozen no backup is deleted: a verification is red: verify of {made[0].id} is FAIL" in text
    assert "-> make a backup and verify it" in text
    assert "frozen (no rule keeps it)" in text


def test_the_document(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    made = backups(store, 3)
    proved(store, made[0], Verdict.PASS, MOMENT)
    found = json.loads(document(pruned(store, agreed=False).document()))
    assert (found["frozen"], found["versioned"]) == ([], False)
    assert found["items"][0]["proof"] == {"at": "2026-11-24T02:45:00Z", "task": "verify", "good": True}
    item = found["items"][2]
    assert {name: item[name] for name in ("id", "kind", "keep", "reason", "reasons", "safety", "proof")} == {
        "id": made[2].id,
        "kind": "backup",
        "keep": False,
        "reason": "no rule keeps it",
        "reasons": ["no rule keeps it"],
        "safety": False,
        "proof": None,
    }


def test_without_a_policy_no_backup_goes(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    backups(store, 9)
    assert {item.reason for item in pruned(store, None).items} == {"policy.keep is not set"}
    assert {item.reason for item in pruned(store, Policy()).items} == {"policy.keep is not set"}
    assert len(listed(store)) == 9


@pytest.mark.parametrize("failure", [Failure.OVER_TARGET, Failure.ENVIRONMENT, Failure.BROKEN, Failure.NONE])
def test_what_is_no_word_against_a_backup(tmp_path: Path, failure: Failure) -> None:
    """Over its RTO it is good, and drilled; a drill that broke, or could not be made, says nothing of it."""
    store = LocalStore(tmp_path)
    made = backups(store, 5)
    proved(store, made[3], Verdict.PASS, app.now() - DAY)
    verdict = Verdict.FAIL if failure is Failure.OVER_TARGET else Verdict.INCONCLUSIVE
    proved(store, made[2], verdict, app.now(), "drill", failure)
    found = pruned(store, agreed=False)
    assert found.frozen == ()
    assert [item.id for item in found.items if item.keep] == [
        *(item.id for item in made[:2]),
        made[2 if failure is Failure.OVER_TARGET else 3].id,
    ]


def test_a_note_beside_a_whole_backup_goes_after_a_day(tmp_path: Path) -> None:
    """A prune was killed before it deleted anything, and by now the backup is to stay."""
    store = LocalStore(tmp_path)
    made = backups(store, 2)
    tombstones.put(Catalog(store), "shop", tombstones.Note(made[1].id, "backup", app.now(), ("old",)))
    pruned(store)
    assert list(tombstones.read_all(Catalog(store), "shop")) == [made[1].id], "the other prune may still run"
    pruned(store, clock=lambda: app.now() + 2 * DAY)
    exactly(store, *made)


@pytest.mark.parametrize("error", [StoreError("full"), KeyboardInterrupt(), ZeroDivisionError()])
def test_nothing_after_a_backup_makes_it_a_failed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    settings(tmp_path, "{ last = 2, after_backup = true }")
    monkeypatch.setattr(tasks, "prune", fail)
    tasks.after_backup(Session(load(environment={}, folder=tmp_path), Lines(io.StringIO())))
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 1
    assert shown[0].startswith("warning  the backup is made, but pruning after it failed: ")


@pytest.mark.parametrize("code", ["AccessDenied", "403"])
def test_a_denied_request_is_a_refusal(code: str) -> None:
    with pytest.raises(StoreError) as caught, translated("s3://b/k", "deleting"):
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "DeleteObject")
    assert caught.value.kind == "refused"


# -- its check ---------------------------------------------------------------------------------------------------------

Check = Callable[..., str]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def run(keep: str = "{ last = 2 }") -> str:
        suite = Path(checks.__file__).parent / "test_policy.py"
        options = ["-q", "-c", os.devnull, "--rootdir", str(suite.parent), "--confcutdir", str(suite.parent)]
        options += ["-p", "no:cacheprovider", "--capture=no", f"--dbops-config={settings(tmp_path, keep)}"]
        outcomes = Outcomes()
        with redirect_stdout(io.StringIO()):
            pytest.main([*options, f"{suite}::test_retention_holds"], plugins=[outcomes])
        return outcomes.found["retention_holds"]

    return run


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def test_a_store_as_the_policy_wants_it(check: Check, store: LocalStore) -> None:
    backups(store, 2)
    assert check() == "passed"


def test_a_day_of_grace(check: Check, store: LocalStore) -> None:
    backups(store, 3)
    assert check() == "passed"


def test_backups_that_should_be_gone(check: Check, store: LocalStore) -> None:
    """The example that makes the check fail: nobody prunes."""
    made = backups(store, 5)
    found = check()
    assert found.startswith("failed: ")
    assert [item.id in found for item in made] == [False, False, False, True, True]
    assert "still there: no rule keeps it" in found
    pruned(store, TWO)
    assert check() == "passed"


def test_a_backup_that_lost_its_manifest(check: Check, store: LocalStore) -> None:
    made = backups(store, 2)
    store.delete(f"shop/{made[1].id}/manifest.json")
    found = check()
    assert found.startswith("failed: ")
    assert f"{made[1].id}: retention-lost" in found


def test_frozen_is_not_judged(check: Check, store: LocalStore) -> None:
    made = backups(store, 5)
    proved(store, made[0], Verdict.FAIL, app.now())
    found = check()
    assert found.startswith("skipped: ")
    assert "retention is frozen: a verification is red" in found


def test_a_clock_that_is_wrong_is_not_judged(check: Check, store: LocalStore) -> None:
    for hour in range(5):
        add(store, datetime.now(UTC) + timedelta(hours=1 + hour))
    assert "a clock is wrong" in check()
