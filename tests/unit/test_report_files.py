"""JSON, history, Markdown, text, and the writing of files."""

from __future__ import annotations

import json
import multiprocessing
import stat
from datetime import timedelta
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbops.model import Failure, Report, Verdict
from dbops.report import history, markdown, text
from dbops.report.json import page_json, report_json, schema
from dbops.report.write import write
from tests.unit import samples_report as samples

PUBLISHED = Path(__file__).parents[2] / "docs" / "report.schema.json"
ANY_TEXT = st.text(st.characters(), max_size=60)


# --- JSON -------------------------------------------------------------------------------------------------------------


def test_published_schema_is_that_of_the_code() -> None:
    regenerate = "python -c 'import json; from dbops.report.json import schema; print(json.dumps(schema(), indent=2))'"
    current = json.loads(json.dumps(schema()))
    assert json.loads(PUBLISHED.read_text()) == current, f"write it anew: {regenerate} > {PUBLISHED}"


@pytest.mark.parametrize("name", samples.CLASSES)
def test_reports_keep_to_the_schema(name: str) -> None:
    published = json.loads(PUBLISHED.read_text())
    report = samples.CLASSES[name]()
    jsonschema.validate(json.loads(report_json(report)), published)
    jsonschema.validate(json.loads(page_json(samples.page(report))), published)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(report_json(report)) | {"verdict": "fine"}, published)


def test_file_has_the_drills_of_a_run_of_checks() -> None:
    found = json.loads(page_json(samples.check_page()))
    jsonschema.validate(found, json.loads(PUBLISHED.read_text()))
    assert found["task"] == "check"
    assert [drill["target"] for drill in found["drills"]] == ["finanzas", "shop", "maps"]
    assert json.loads(page_json(samples.page(samples.good())))["drills"] == []


# --- history ----------------------------------------------------------------------------------------------------------


def test_history_gives_back_what_was_added(tmp_path: Path) -> None:
    path = tmp_path / "new" / "history.jsonl"
    lines = [history.line(samples.CLASSES[name](), samples.NOW) for name in ("good", "broken", "foreign")]
    history.append(path, lines[:2])
    history.append(path, lines[2:])
    assert history.read(path) == lines
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (lines[0].rto_seconds, lines[0].sandbox, lines[1].failure) == (41.9, "container", Failure.BROKEN)


def test_history_is_read_with_patience(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    good = samples.history(runs=2)
    history.append(path, good[:1])
    with path.open("ab") as file:
        file.write(
            b'not json\n\n{"at": "2026-11-24T00:00:00", "target": "naive"}\n\xff\xfe\n[1]\n{"at": 1}\n{"at": "2026-'
        )
    history.append(path, good[1:])
    later = msgspec.json.decode(msgspec.json.encode(good[0])) | {"a_newer_dbops": True, "target": "newer"}
    with path.open("ab") as file:
        file.write(json.dumps(later).encode())
    found = history.load(path)
    assert [line.target for line in found.lines] == ["finanzas", "newer", "finanzas"]
    assert found.unreadable == 6


def test_history_gives_the_newest_of_each_target(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history.append(path, [*samples.history("busy", 9), *samples.history("calm", 2)])
    found = history.read(path, newest=3)
    assert [line.target for line in found].count("busy") == 3
    assert found[-1].at == samples.NOW
    assert min(line.at for line in found if line.target == "busy") == samples.NOW - timedelta(weeks=2)


def test_no_history_is_no_error(tmp_path: Path) -> None:
    assert history.read(tmp_path / "none") == []


def _add(path: Path, target: str) -> None:
    for line in samples.history(target, 40):
        history.append(path, [msgspec.structs.replace(line, sandbox="x" * 20_000)])


def test_runs_at_the_same_time_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=_add, args=(path, f"t{index}")) for index in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(60)
    found = history.load(path)
    assert (len(found.lines), found.unreadable) == (160, 0)


# --- Markdown and text ------------------------------------------------------------------------------------------------


@given(name=ANY_TEXT)
@settings(max_examples=100)
def test_markdown_keeps_a_text_in_its_cell(name: str) -> None:
    escaped = markdown.escape(name)
    assert "\n" not in escaped
    assert "<" not in escaped
    bare = escaped.replace("\\\\", "")
    assert all(bare[index - 1 : index] == "\\" for index, c in enumerate(bare) if c in "|`*_[]<>")


def test_markdown_is_short() -> None:
    found = tuple(samples.bad_backup().findings[0] for _ in range(30))
    shown = markdown.summary(samples.good(findings=found, verdict=Verdict.FAIL, failure=Failure.BAD_BACKUP))
    assert shown.startswith("## FAIL: the backup is bad\n")
    assert shown.count("| table\\-content |") == markdown.FINDINGS
    assert "… and 10 more in the report." in shown
    assert "### Not tested" in shown
    assert shown.count("\n| ") == 1 + 1 + 1 + markdown.FINDINGS  # two heads, one drill


def test_markdown_of_checks_has_a_line_for_each_drill() -> None:
    page = samples.check_page()
    shown = markdown.summary(page.run, page.drills)
    assert "| maps | 20261124T024500Z | INCONCLUSIVE | source \\= archive ? copy" in shown
    assert "No drill of" not in shown


def test_targets_without_a_drill_are_named_below_the_others() -> None:
    page = samples.check_page()
    assert "\n\nNo drill of maps, shop.\n" in markdown.summary(page.run, page.drills[:1])


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("good", "PASS: this backup restores, and the copy equals its source. drill finanzas"),
        ("bad", "FAIL (bad backup): 4 errors found: table-content public.invoices"),
        ("over", "FAIL (over target): the backup is good, but over its RTO. drill finanzas"),
        ("environment", "INCONCLUSIVE (environment): extension postgis 3.5.1: expected installed"),
        ("broken", "INCONCLUSIVE (broken): the connection to the server was lost"),
    ],
)
def test_text_ends_with_the_class_of_failure(name: str, last: str) -> None:
    shown = text.report(samples.CLASSES[name]())
    paragraph = shown[shown.rindex("\nphases") :].partition("\n")[2].partition("\n")[2]
    verdict = shown[max(shown.rfind("\nPASS"), shown.rfind("\nFAIL"), shown.rfind("\nINCONCLUSIVE")) + 1 :]
    assert verdict.startswith(last)
    assert verdict in shown[shown.rindex("\nphases") :]
    assert paragraph.endswith(verdict)
    assert "RPO 27 min 45 s (target 1 d)" in " ".join(verdict.split())
    assert all(len(line) <= 80 or " " not in line.strip() for line in shown.splitlines())


def test_text_of_other_tasks_stays() -> None:
    report = Report(task="verify", target="shop", verdict=Verdict.PASS, provenance={"backup": "x", "artifacts": 3})
    assert text.report(report) == "PASS  verify shop x, 3 files\n"


# --- files ------------------------------------------------------------------------------------------------------------


def test_files_are_whole_private_and_leave_nothing_beside_them(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    paths = {name: folder / f"report.{name}" for name in ("html", "junit", "json")}
    for _ in range(2):
        write(samples.page(samples.good()), **paths)
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json", "report.junit"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in paths.values())
    assert paths["html"].read_text().rstrip().endswith("</html>")


def test_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.mkdir()
    with pytest.raises(OSError):
        write(samples.page(samples.good()), html=path)
    assert list(tmp_path.iterdir()) == [path]


def test_where_no_inventory_dates_a_dump_the_terminal_says_what_does() -> None:
    foreign = samples.foreign()
    provenance = foreign.provenance | {"newest_row_by": "the file was last written"}
    told = text.report(msgspec.structs.replace(foreign, provenance=provenance)).replace("\n      ", " ")
    assert "(the file was last written; target " in told
    assert "0 different" not in told
    own = samples.good()
    assert "last written" not in text.report(msgspec.structs.replace(own, provenance=provenance))
