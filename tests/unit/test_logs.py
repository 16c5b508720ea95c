"""What is told on stderr: for people, or a JSON object a line; each with the run's id, none with a secret."""

from __future__ import annotations

import io
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from dbops import console, logs, runs
from dbops.config import Target, passwords
from dbops.config.urls import Secret
from dbops.errors import StoreError
from tests.unit.samples import a_catalog, a_manifest, keep
from tests.unit.test_cli import code_of, dbops, raising

RUN = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.fixture
def json_run() -> Any:
    """A run that logs JSON lines."""
    before = runs.current()
    yield runs.begin("backup", "json", {runs.ID_VARIABLE: RUN})
    runs._current = before


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_line_is_json_and_has_the_run(json_run: runs.Run) -> None:
    passwords.remember("hunter2hunter2")
    stream = io.StringIO()
    with console.progress(stream, "shop") as progress:
        progress.phase("dump", total_bytes=10)
        progress.advance(7)
        progress.item("public.t")
        progress.note("two\nlines with hunter2hunter2 and postgresql://u:other@h/db \x1b[31m")
        progress.phase("publish")
    logs.say("info", "note", "x", stream=stream, target="shop", of="hunter2hunter2")
    found = lines(stream.getvalue())
    assert [line["event"] for line in found] == ["phase-start", "note", "phase-end", "phase-start", "phase-end", "note"]
    assert {(line["run"], line["task"], line["target"], line["level"]) for line in found} == {
        (RUN, "backup", "shop", "info")
    }
    assert found[2]["bytes"] == 7
    for secret in ("hunter2", "other@", "\x1b"):
        assert secret not in stream.getvalue()


def test_people_are_not_shown_secrets_either() -> None:
    passwords.remember("hunter2hunter2")
    stream = io.StringIO()
    with console.progress(stream) as progress:
        progress.note("login with hunter2hunter2")
    assert stream.getvalue() == "login with ********\n"


def test_errors_and_tracebacks_are_lines_too(json_run: runs.Run, capsys: pytest.CaptureFixture[str]) -> None:
    passwords.password(Target(url=Secret("postgresql://u:hunter2%21x@h/db"), name="t"))
    code_of(raising(ZeroDivisionError("by hunter2!x")))
    found = lines(capsys.readouterr().err)
    assert [(line["event"], line["level"]) for line in found] == [("traceback", "error"), ("error", "error")]
    assert "ZeroDivisionError" in found[0]["message"]
    code_of(raising(StoreError("x", hint="try hunter2!x")))
    found += lines(capsys.readouterr().err)
    assert "try" in found[-1]["hint"]
    assert "hunter2" not in str(found)


def test_a_log_that_is_gone_stops_nothing(json_run: runs.Run) -> None:
    stream = io.StringIO()
    stream.close()
    logs.say("info", "note", "x", stream=stream)


@pytest.mark.parametrize("flag", [True, False])
def test_a_whole_run_logs_json(tmp_path: Path, flag: bool) -> None:
    catalog = a_catalog(tmp_path / "store")
    keep(catalog, a_manifest())
    arguments = ["verify", "--store", catalog.store.url, "--json", *(["--log-format", "json"] if flag else [])]
    environment = {"DBOPS_RUN_ID": RUN} | ({} if flag else {"DBOPS_LOG_FORMAT": "json"})
    done = dbops(tmp_path, *arguments, **environment)
    assert done.returncode == 3, done.stderr
    assert {line["run"] for line in lines(done.stderr)} == {RUN}
    assert json.loads(done.stdout)["provenance"]["run"] == RUN


def test_each_run_has_an_id_of_its_own() -> None:
    ids = {runs.begin("backup", environment={}).id for _ in range(2)}
    assert len(ids) == 2
    assert all(str(uuid.UUID(text)) == text for text in ids)


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["--log-format", "xml"], {}, "text, json"),
        ([], {"DBOPS_LOG_FORMAT": "xml"}, "DBOPS_LOG_FORMAT"),
        ([], {"DBOPS_RUN_ID": "17"}, "UUID"),
    ],
)
def test_other_forms_are_refused(tmp_path: Path, arguments: list[str], environment: dict[str, str], told: str) -> None:
    done = dbops(tmp_path, "backups", "--store", "/x", *arguments, **environment)
    assert done.returncode == 2
    assert told in done.stderr
