"""What becomes of a sandbox's folder and server when a run ends well, badly, or by being killed; without a server."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dbops.config.urls import Secret
from dbops.folder import PREFIX, Folder, _command_line, sweep
from dbops.sandbox import launch
from dbops.sandbox.base import About, SandboxError, running
from dbops.signals import uninterrupted


def _left(base: Path, *, lock: bool = True, age: float = 0.0) -> Path:
    folder = base / f"{PREFIX}dead"
    folder.mkdir()
    (folder / "data").mkdir()
    if lock:
        (folder / "lock").touch()
    os.utime(folder, (time.time() - age, time.time() - age))
    return folder


def test_a_dead_folder_is_swept(tmp_path: Path) -> None:
    folder = _left(tmp_path)
    sweep(tmp_path)
    assert not folder.exists()


def test_a_held_folder_stays(tmp_path: Path) -> None:
    folder = _left(tmp_path)
    with (folder / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sweep(tmp_path)
    assert folder.exists()


def test_a_folder_that_is_just_being_made_stays(tmp_path: Path) -> None:
    young = _left(tmp_path, lock=False, age=60)
    sweep(tmp_path)
    assert young.exists()
    os.utime(young, (0, 0))
    sweep(tmp_path)
    assert not young.exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "lock").touch()
    (tmp_path / f"{PREFIX}link").symlink_to(outside)
    sweep(tmp_path)
    assert (outside / "lock").exists()


def test_a_process_that_only_has_the_number_of_a_server_is_not_ended(tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "60"])
    try:
        (_left(tmp_path) / "server.pid").write_text(f"{other.pid}\n")
        sweep(tmp_path)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_the_server_of_a_dead_run_is_ended(tmp_path: Path) -> None:
    folder = _left(tmp_path)
    server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(folder)])
    while str(folder) not in _command_line(server.pid):  # it has just become another program
        time.sleep(0.01)
    (folder / "server.pid").write_text(f"{server.pid}\n")
    sweep(tmp_path)
    assert server.wait(10) == -signal.SIGQUIT


def test_a_temporary_directory_with_a_long_path_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    folder = Folder(shared=False)
    folder.remove()
    folder.remove()
    assert not folder.path.exists()
    assert folder.path.parent == Path("/tmp").resolve()


def test_a_program_is_not_started_for_a_parent_that_has_gone(tmp_path: Path) -> None:
    argv = [
        sys.executable,
        "-I",
        "-S",
        launch.__file__,
        "1",
        "-",
        "-",
        "-",
        "3",
        "/bin/sh",
        "-c",
        f"touch {tmp_path}/ran",
    ]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 1
    assert not (tmp_path / "ran").exists()


# -- the end of a sandbox --------------------------------------------------------------------------------------------


class Fake:
    """A sandbox whose end fails, as told."""

    about = About("local", "postgres", "18.6", "nowhere")
    ephemeral = True

    def __init__(self, *, fails: bool) -> None:
        self.fails = fails
        self.stopped = 0

    def start(self) -> None: ...

    def stop(self) -> None:
        self.stopped += 1
        if self.fails:
            raise SandboxError("cannot be stopped")

    def url(self, database: str) -> Secret:
        return Secret(f"postgresql:///{database}")

    def log(self) -> str:
        return ""


def test_an_error_of_the_end_never_hides_the_first() -> None:
    fake = Fake(fails=True)
    with pytest.raises(ZeroDivisionError), running(fake):
        raise ZeroDivisionError
    assert fake.stopped == 1


def test_an_error_of_the_end_alone_is_told() -> None:
    with pytest.raises(SandboxError), running(Fake(fails=True)):
        pass


def test_an_interrupt_waits_for_the_end_of_the_block() -> None:
    steps = []

    def work() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            steps.append("ended")
        steps.append("went on")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert steps == ["ended"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
