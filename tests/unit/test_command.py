"""The door for subprocesses: drained pipes, looked-at statuses, nothing left running, nothing secret in messages."""

from __future__ import annotations

import os
import select
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbops.command import MASK, describe_status, redact, run, running
from dbops.errors import ToolError

PYTHON = sys.executable


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_no_child_gets_the_keys_of_backups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBOPS_IDENTITY", "AGE-SECRET-KEY-1")
    monkeypatch.setenv("DBOPS_PASSPHRASE", "open sesame")
    monkeypatch.setenv("DBOPS_LANG", "en")
    found = run(["env"]).stdout + run(["env"], env=os.environ).stdout
    assert "AGE-SECRET" not in found
    assert "sesame" not in found
    assert found.count("DBOPS_LANG=en") == 2


def test_both_pipes_are_drained_at_once() -> None:
    """A megabyte on each: a reader that drains one after the other would hang."""
    code = "import sys\nfor _ in range(16): sys.stderr.write('e' * 65535 + chr(10)); sys.stdout.write('o' * 65536)"
    result = run([PYTHON, "-c", code], timeout=60)
    assert (result.status, len(result.stdout)) == (0, 16 * 65536)


@pytest.mark.parametrize("wide", [True, False])
def test_output_in_small_writes_comes_whole(monkeypatch: pytest.MonkeyPatch, wide: bool) -> None:
    """A pipe that could not be widened is read without a pause, which would hold up the program."""
    if not wide:
        monkeypatch.setattr("dbops.command._widen", lambda _: False)
        monkeypatch.setattr("dbops.command._PAUSE_SECONDS", -1.0)  # no time to sleep: an error
    code = "import os\nfor n in range(5000): os.write(1, n.to_bytes(2, 'big') * 2048)"
    with running([PYTHON, "-c", code]) as process:
        pieces = list(process.chunks())
        process.check()
    assert b"".join(pieces) == b"".join(n.to_bytes(2, "big") * 2048 for n in range(5000))


def test_failure_carries_status_and_last_lines() -> None:
    code = "import sys; [print(i, file=sys.stderr) for i in range(100)]; sys.exit(3)"
    with running([PYTHON, "-c", code]) as process, pytest.raises(ToolError) as caught:
        process.check(60)
    assert "ended with status 3" in caught.value.message
    assert caught.value.hint.splitlines()[-1] == "99"


def test_signal_is_named() -> None:
    with (
        running([PYTHON, "-c", "import os; os.kill(os.getpid(), 9)"]) as process,
        pytest.raises(ToolError, match="SIGKILL"),
    ):
        process.check(60)
    assert describe_status(-250) == "was ended by signal 250 (unknown)"


def test_missing_program_says_what_was_looked_for() -> None:
    with pytest.raises(ToolError) as caught:
        run(["/nonexistent/pg_dump"])
    assert caught.value.kind == "tool-missing"
    assert "/nonexistent/pg_dump" in caught.value.hint


def test_child_that_ignores_sigterm_is_gone_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbops.command.GRACE_SECONDS", 0.2)
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
    with running([PYTHON, "-c", code]) as process:
        assert next(process.chunks()).startswith(b"ready")
        pid = process.pid
    assert not alive(pid)


def test_grandchildren_go_too() -> None:
    code = (
        "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "print(p.pid, flush=True); time.sleep(600)"
    )
    with running([PYTHON, "-c", code]) as process:
        grandchild = int(next(process.chunks()))
    try:
        handle = os.pidfd_open(grandchild)
    except ProcessLookupError:
        return
    assert select.select([handle], [], [], 30)[0], "still alive"  # readable once the process has ended
    os.close(handle)


def test_timeout_ends_the_command() -> None:
    with pytest.raises(ToolError) as caught:
        run([PYTHON, "-c", "import time; time.sleep(600)"], timeout=0.2)
    assert caught.value.kind == "tool-timeout"


def test_input_reaches_it_and_an_early_end_is_no_error_of_ours() -> None:
    assert run(["/bin/cat"], input=b"x" * 300_000).stdout == "x" * 300_000
    assert run(["/bin/true"], input=b"x" * 3_000_000).status == 0


def test_environment_is_only_what_was_given() -> None:
    os.environ["DBOPS_TEST_CANARY"] = "canary"
    try:
        assert "canary" not in run(["/usr/bin/env"], env={"A": "1"}).stdout
    finally:
        del os.environ["DBOPS_TEST_CANARY"]


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=3, max_size=30))
def test_secret_is_masked_wherever_it_stands(secret: str) -> None:
    # A secret that is part of the text around it, or of the mask, would be in the result by chance.
    if secret in f"failed for {MASK}: try 'again'":
        return
    assert secret not in redact(f"failed for {secret}: try '{secret}'", [secret])


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:hunter22@db/x",
        "could not connect with password=hunter22 host=x",
        "password = 'hunter22'",
        "PASSWORD: hunter22",
        "sslpassword=hunter22",
    ],
)
def test_known_forms_are_masked_without_knowing_the_secret(text: str) -> None:
    assert "hunter22" not in redact(text)


def test_whether_a_password_was_given_is_no_secret() -> None:
    said = "Access denied for user 'root'@'h' (using password: YES)"
    assert redact(said) == said
    assert "YES)x" not in redact("password: YES)x")


def test_stdin_is_closed_for_children() -> None:
    assert run([PYTHON, "-c", "import sys; sys.exit(len(sys.stdin.read()))"]).status == 0
