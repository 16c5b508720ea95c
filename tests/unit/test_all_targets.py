"""`--all`: a process for each target; what happens to one does not happen to the others, and nothing goes unnoticed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.listeners import Listener, listening
from tests.unit.samples import a_catalog, a_manifest, keep
from tests.unit.test_cli import CLEAN, PROGRAM, ROOT, dbops


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as server:
        yield server


@pytest.fixture
def place(tmp_path: Path, listener: Listener) -> Iterator[Path]:
    """`bad` has a backup whose archive is no archive, `none` has none; `far` cannot be reached; `waits` waits for its
    password until it is ended."""
    keep(a_catalog(tmp_path / "store"), a_manifest("bad"))
    os.mkfifo(tmp_path / "fifo")
    text = f'[store]\nurl = "{tmp_path}/store"\n[notify]\nwebhook = "{listener.url("/failed")}"\n'
    for name in ("bad", "none", "far"):
        text += f'[targets.{name}]\nurl = "postgresql://me@127.0.0.1:1/{name}"\n'
    text += f'[targets.waits]\nurl = "postgresql://h/w"\npassword_command = ["cat", "{tmp_path}/fifo"]\n'
    (tmp_path / "dbops.toml").write_text(text)
    yield tmp_path
    with contextlib.suppress(OSError):  # whoever still waits for a password reads the end
        os.close(os.open(tmp_path / "fifo", os.O_WRONLY | os.O_NONBLOCK))


def without(place: Path, *names: str) -> None:
    """Takes targets out of the configuration."""
    file = place / "dbops.toml"
    head, *tables = file.read_text().split("[targets.")
    kept = [table for table in tables if not table.startswith(tuple(f"{name}]" for name in names))]
    file.write_text("[targets.".join([head, *kept]))


def exit_codes(document: dict[str, Any]) -> dict[str, int]:
    return {one["target"]: one["exit_code"] for one in document["provenance"]["targets"]}


def test_one_report_and_the_worst_exit_code(place: Path, listener: Listener) -> None:
    done = dbops(place, "verify", "--all", "--jobs", "4", "--json", DBOPS_LOG_FORMAT="json")
    document = json.loads(done.stdout)
    assert exit_codes(document) == {"bad": 3, "none": 5, "far": 5, "waits": 5}
    assert (done.returncode, document["verdict"], document["failure"]) == (3, "FAIL", "bad-backup")
    assert document["target"] == "bad, none, far, waits"
    assert {finding["subject"].split(":")[0] for finding in document["findings"]} == {"bad"}
    assert sorted(item["reason"].split(":")[0] for item in document["not_evaluated"]) == ["far", "none", "waits"]
    told = sorted(json.loads(request.body)["target"] for request in listener.requests)
    assert told == ["bad", "far", "none", "waits"], "each run tells of its own target"
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    runs = {line["run"] for line in lines} | {json.loads(request.body)["run"] for request in listener.requests}
    assert runs == {document["provenance"]["run"]}, "they are one run"
    assert {line.get("target") for line in lines} >= {"bad"}


def test_a_failed_operation_is_worse_than_a_bad_backup(place: Path) -> None:
    without(place, "waits", "none")
    done = dbops(place, "backup", "--all")
    assert done.returncode == 4
    assert "backup: 0 of 2 targets ok" in done.stdout
    assert "FAILED (4)" in done.stdout
    assert "bad  preflight" in done.stderr


def wait_for_child(process: subprocess.Popen[str], number: int = 1) -> int:
    """The pid of the run that waits for its password."""
    while process.poll() is None:
        for child in _children(process.pid):
            if _children(child):  # it has started `cat`
                return child
        time.sleep(0.02)
    raise AssertionError(process.communicate())


def _children(pid: int) -> list[int]:
    try:
        found = [(path / "children").read_text().split() for path in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []
    return [int(word) for words in found for word in words]


def start(place: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=place,
        env=CLEAN | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_run_that_is_killed_does_not_go_unnoticed(place: Path, listener: Listener) -> None:
    without(place, "bad", "none")
    with start(place, "backup", "--all", "--jobs", "2", "--json") as process:
        os.kill(wait_for_child(process), signal.SIGKILL)
        out, _ = process.communicate(timeout=60)
    document = json.loads(out)
    assert process.returncode == 4
    assert exit_codes(document) == {"far": 4, "waits": 4}
    (killed,) = [finding for finding in document["findings"] if finding["id"] == "killed"]
    assert "SIGKILL" in killed["actual"]
    told = {body["target"]: body["message"] for body in (json.loads(request.body) for request in listener.requests)}
    assert set(told) == {"far", "waits"}, "who could not tell it is told of by the parent"
    assert "SIGKILL" in told["waits"]


def test_an_interrupted_run_ends_its_children_in_order(place: Path, listener: Listener) -> None:
    without(place, "bad", "none", "far")
    with start(place, "backup", "--all") as process:
        child = wait_for_child(process)
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert json.loads(listener.named("/failed").body)["message"] == "interrupted"


@pytest.mark.parametrize("task", ["backup", "verify", "prune", "drill", "check"])
def test_all_and_one_exclude_each_other(place: Path, task: str) -> None:
    done = dbops(place, task, "--all", "--jobs", "2", "--target", "bad")
    assert (done.returncode, "exclude each other" in done.stderr) == (2, True)


def test_prune_shows_and_asks_once(tmp_path: Path) -> None:
    catalog = a_catalog(tmp_path / "store")
    for name in ("a", "b"):
        keep(catalog, a_manifest(name))
        key = f"{name}/20261123T024500Z/half"
        catalog.store.put(key, b"half")
        path = catalog.store.local_path(key)
        assert path is not None
        old = time.time() - 3 * 86400
        os.utime(path, (old, old))
    left = [tmp_path / f"store/{name}/20261123T024500Z/half" for name in ("a", "b")]
    arguments = ("prune", "--all", "--jobs", "2", "--store", catalog.store.url)
    refused = dbops(tmp_path, *arguments)
    assert (refused.returncode, [path.exists() for path in left]) == (2, [True, True])
    assert refused.stderr.count("1 to delete") == 2, "what would go is shown before the question"
    shown = dbops(tmp_path, *arguments, "--dry-run")
    assert (shown.returncode, [path.exists() for path in left]) == (0, [True, True])
    done = dbops(tmp_path, *arguments, "--yes")
    assert (done.returncode, [path.exists() for path in left]) == (0, [False, False])
    assert "prune: 2 of 2 targets ok" in done.stdout
