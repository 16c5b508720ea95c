"""SARIF and GitHub's annotations of a gate: structure, lines, escapes, fingerprints that stay, suppressions."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from dbops.config import Suppress
from dbops.migrations.history import History, read
from dbops.migrations.places import Place, place_of, prefix
from dbops.migrations.rules import RULES
from dbops.model import Finding, Severity
from dbops.ops.gate import Settings, gate
from dbops.ops.migration_ground import Ground
from dbops.ops.migration_report import MigrationReport
from dbops.report.annotations import commands
from dbops.report.sarif import FINGERPRINT, sarif
from tests.inputs.missing import MissingInputError
from tests.inputs.sarif_schema import sarif_schema
from tests.needs import need
from tests.unit.migration_samples import project, write

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEVELS = {"none", "note", "warning", "error"}


def run(folder: Path, *suppress: Suppress) -> tuple[MigrationReport, History]:
    history = read(folder)
    ground = Ground(history, base="main", new=frozenset(one.id for one in history.revisions))
    return gate(ground, Settings({}, suppress), clock=lambda: NOW), history


def document(folder: Path, *suppress: Suppress) -> Any:
    return json.loads(sarif(*run(folder, *suppress)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """In a repository: two heads, and a revision of each kind of way back."""
    (tmp_path / ".git").mkdir()
    made = project(tmp_path / "my app", {"a": None, "b": "a", "c": "a"}, downgrade="op.x()")
    write(made / "versions", "c", "a", downgrade="pass")
    write(made / "versions", "b", "a", downgrade="raise NotImplementedError")
    return made


def keep_to_the_standard(found: Any) -> None:
    """What SARIF 2.1.0 demands of the parts that are used: sections 3.13 to 3.59."""
    assert found["version"] == "2.1.0"
    assert found["$schema"].endswith("sarif-schema-2.1.0.json")
    assert found.keys() == {"$schema", "version", "runs"}
    (run,) = found["runs"]
    assert run.keys() == {"tool", "columnKind", "invocations", "results", "properties"}
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    driver = run["tool"]["driver"]
    assert driver.keys() == {"name", "version", "semanticVersion", "rules"}
    for rule in driver["rules"]:
        assert rule.keys() == {
            "id",
            "shortDescription",
            "fullDescription",
            "help",
            "defaultConfiguration",
            "properties",
        }
        assert rule["defaultConfiguration"]["level"] in LEVELS
        assert all(rule[name].keys() == {"text"} for name in ("shortDescription", "fullDescription", "help"))
    for invocation in run["invocations"]:
        assert invocation["executionSuccessful"] is True
        for note in invocation["toolExecutionNotifications"]:
            assert note.keys() == {"level", "descriptor", "message"}
            assert note["message"]["text"]
    for result in run["results"]:
        allowed = {"ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints", "suppressions"}
        assert result.keys() <= allowed
        assert result["level"] in LEVELS
        assert result["message"]["text"]
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
        for location in result["locations"]:
            where = location.get("physicalLocation")
            if where is None:
                assert location["logicalLocations"][0]["name"]
                continue
            assert where["region"]["startLine"] >= 1
            assert re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:@/%-]+", where["artifactLocation"]["uri"])
        for one in result["suppressions"]:
            assert one["kind"] in ("inSource", "external")
            assert one["status"] in ("accepted", "underReview", "rejected")


def test_it_keeps_to_the_standard(folder: Path) -> None:
    found = document(folder)
    keep_to_the_standard(found)
    (run,) = found["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(RULES)
    assert {(one["ruleId"], one["level"]) for one in run["results"]} == {
        ("migration-heads", "error"),
        ("migration-downgrade-empty", "warning"),
        ("migration-downgrade-refuses", "note"),
    }
    names = {note["descriptor"]["id"] for note in run["invocations"][0]["toolExecutionNotifications"]}
    assert {"lint", "commutativity", "rehearsal"} <= names, "what was not evaluated is in it"
    assert run["properties"]["verdict"] == "FAIL"


def test_it_keeps_to_the_official_schema(folder: Path) -> None:
    try:
        schema = sarif_schema()
    except (MissingInputError, subprocess.TimeoutExpired) as error:
        need(f"the schema of SARIF cannot be had: {error}")
    assert "2.1.0" in schema["title"]
    allowed = Suppress(
        rule="migration-downgrade-empty", revision="c", reason="x", owner="ana", expires=date(2027, 1, 31)
    )
    for found in (document(folder), document(folder, allowed)):
        jsonschema.validate(found, schema)
    found["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, schema)


def test_places_are_those_of_the_repository(folder: Path) -> None:
    places = [one["locations"][0]["physicalLocation"] for one in document(folder)["runs"][0]["results"]]
    assert places[0]["artifactLocation"] == {
        "uri": "my%20app/migrations/versions/c_x.py",
        "uriBaseId": "%SRCROOT%",
    }
    assert places[0]["region"] == {"startLine": 13}


def test_fingerprints_stay_when_lines_move(folder: Path) -> None:
    def prints() -> list[str]:
        return [one["partialFingerprints"][FINGERPRINT] for one in document(folder)["runs"][0]["results"]]

    before = prints()
    assert len(set(before)) == len(before)
    path = folder / "versions" / "c_x.py"
    path.write_text("# a licence\n\n" + path.read_text())
    assert prints() == before
    path.rename(path.with_name("c_renamed.py"))
    assert sorted(prints()) == sorted(before)


def test_suppressions(folder: Path) -> None:
    comment = "# dbops: allow migration-downgrade-refuses until 2027-01-31 by bob: known"
    write(folder / "versions", "b", "a", downgrade=f"raise NotImplementedError  {comment}")
    rule = "migration-downgrade-empty"
    allowed = Suppress(rule=rule, revision="c", reason='it "stays"', owner="ana", expires=date(2027, 1, 31))
    found = document(folder, allowed)
    keep_to_the_standard(found)
    by_rule = {one["ruleId"]: one["suppressions"] for one in found["runs"][0]["results"]}
    assert by_rule["migration-heads"] == []
    assert by_rule[rule][0]["kind"] == "external"
    assert by_rule[rule][0]["justification"] == 'it "stays" (allowed by ana until 2027-01-31)'
    assert by_rule["migration-downgrade-refuses"][0]["kind"] == "inSource"


def test_a_finding_about_a_database_has_a_name_instead_of_a_file(folder: Path) -> None:
    report, history = run(folder)
    finding = Finding(
        id="migration-database-rows", severity=Severity.WARNING, subject="app.alembic_version", actual="x"
    )
    found = json.loads(sarif(msgspec.structs.replace(report, findings=(finding,)), history))
    keep_to_the_standard(found)
    (location,) = found["runs"][0]["results"][0]["locations"]
    assert location["logicalLocations"][0]["name"] == "app.alembic_version"


# --- annotations ------------------------------------------------------------------------------------------------


def test_annotations(folder: Path) -> None:
    report, _ = run(folder)
    lines = commands(report).splitlines()
    assert lines[0].startswith(
        "::error file=my app/migrations/versions/c_x.py,line=13,title=migration-heads::expected one head, found 2 heads"
    )
    assert "%0Amerge them" in lines[0]
    assert [line.split(" ")[0] for line in lines[:3]] == ["::error", "::warning", "::notice"]
    assert lines[-1] == "FAIL: these revisions must not be applied as they are"


def test_annotations_escape_what_would_be_read_as_more(folder: Path) -> None:
    report, _ = run(folder)
    finding = Finding(
        id="migration-heads",
        severity=Severity.ERROR,
        subject="versions/100%,a:b\r\n::error::x.py:7",
        actual="50% of\r\n::set-output name=x::y",
    )
    report = msgspec.structs.replace(report, prefix="", findings=(finding,))
    first, *rest = commands(report).splitlines()
    assert rest == [rest[-1]], "one command, and the verdict"
    assert "file=versions/100%25%2Ca%3Ab%0A%3A%3Aerror%3A%3Ax.py,line=7" in first
    assert "50%25 of%0A::set-output" in first


def test_annotations_show_what_is_suppressed(folder: Path) -> None:
    rule = "migration-downgrade-empty"
    allowed = Suppress(rule=rule, revision="c", reason="it stays", owner="ana", expires=date(2027, 1, 31))
    text = commands(run(folder, allowed)[0])
    assert f"title={rule}::allowed until 2027-01-31 by ana: it stays%0A" in text


# --- places -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "place"),
    [
        ("versions/a_x.py:12", Place("versions/a_x.py", 12)),
        ("versions/a b (1).py", Place("versions/a b (1).py", 0)),
        ("/elsewhere/alembic.ini:3", Place("/elsewhere/alembic.ini", 3)),
        ("public.alembic_version", None),
        ("alembic_version", None),
        ("dbops.toml", Place("dbops.toml", 0)),
    ],
)
def test_subjects(subject: str, place: Place | None) -> None:
    assert place_of(subject) == place


def test_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert prefix(folder) == "a/b/", "without a repository: from here"
    assert prefix(tmp_path) == ""
    (tmp_path / "a" / ".git").mkdir()
    assert prefix(folder) == "b/"
    monkeypatch.chdir("/usr")
    (tmp_path / "a" / ".git").rmdir()
    assert prefix(folder) == f"{folder}/"
