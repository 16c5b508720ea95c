"""Whose container it is: told by its labels, whatever has become of its run."""

from __future__ import annotations

import os
import subprocess

import pytest

from dbops.sandbox.container import owner


def test_a_container_of_a_living_run_is_no_leftover() -> None:
    assert not owner.is_leftover(owner.labels())


@pytest.mark.parametrize(
    ("changes", "leftover"),
    [
        ({"dbops.sandbox.boot": "an earlier one"}, True),
        ({"dbops.sandbox.started": "1"}, True),  # its number belongs to another process by now
        ({"dbops.sandbox.host": "another"}, False),
        ({"dbops.sandbox.host": "another", "dbops.sandbox.started": "1"}, False),
        ({"dbops.sandbox": ""}, False),
    ],
)
def test_whose_container_it_is(changes: dict[str, str], leftover: bool) -> None:
    assert owner.is_leftover(owner.labels() | changes) is leftover


def test_a_container_of_an_ended_run_is_a_leftover() -> None:
    process = subprocess.Popen(["sleep", "60"])
    labels = owner.labels() | {"dbops.sandbox.pid": str(process.pid)}
    labels["dbops.sandbox.started"] = owner._started(process.pid)
    assert not owner.is_leftover(labels)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert owner.is_leftover(labels)  # nobody has asked for its status yet
    process.wait()
    assert owner.is_leftover(labels)
