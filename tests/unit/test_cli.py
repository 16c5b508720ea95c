"""The edge: exit codes, one JSON document on stdout, nothing secret anywhere, quick to start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from invoke.exceptions import Exit as TaskExit

from dbops import console
from dbops.cli import Output, boundary, worst
from dbops.config import Target, passwords
from dbops.config.urls import Secret
from dbops.errors import BadBackupError, ConfigError, DbopsError, Exit, NothingToCheckError, RefusedError, StoreError
from dbops.model import Report, Verdict
from dbops.tasks import namespace
from tests.unit.samples import a_catalog, a_manifest, keep

ROOT = Path(__file__).parents[2]
CLEAN = {
    name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DBOPS_STORE", "DBOPS_CONFIG")
}
PROGRAM = "import sys; sys.argv[0] = 'dbops'; from dbops.cli import main; main()"


def dbops(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The console script in a process of its own, without a terminal."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        env=CLEAN | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def code_of(work: Callable[[Output], object], *, json: bool = False) -> int:
    try:
        with boundary(json) as output:
            work(output)
    except TaskExit as done:
        return done.code
    return 0


def raising(error: BaseException) -> Callable[[Output], object]:
    def work(_: Output) -> None:
        raise error

    return work


def report(verdict: Verdict) -> Report:
    return Report(task="verify", target="shop", verdict=verdict)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (RefusedError("x"), 2),
        (BadBackupError("x"), 3),
        (StoreError("x"), 4),
        (NothingToCheckError("x"), 5),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("x"), 1),
        (TaskExit(code=7), 7),
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_every_error_has_its_exit_code(
    error: BaseException, code: int, as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(raising(error), json=as_json) == code
    out = capsys.readouterr().out
    if not as_json or isinstance(error, TaskExit):
        assert out == ""
    else:
        assert set(json.loads(out)["error"]) == {"kind", "message", "hint"}


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.PASS, 0), (Verdict.FAIL, 3), (Verdict.INCONCLUSIVE, 5)])
def test_a_verdict_is_an_exit_code(verdict: Verdict, code: int) -> None:
    assert code_of(lambda output: output.report(report(verdict))) == code


def test_the_worst_of_several_codes() -> None:
    assert worst([Exit.OK, Exit.INCONCLUSIVE, Exit.FAIL, Exit.OPERATION]) == 4
    assert worst([Exit.OK, Exit.INCONCLUSIVE, Exit.FAIL]) == 3
    assert worst([Exit.OK, Exit.INCONCLUSIVE]) == 5
    assert worst([]) == 0


def test_with_json_whatever_is_printed_meanwhile_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    def chatty(output: Output) -> None:
        print("a library says hello")
        output.report(report(Verdict.PASS))

    assert code_of(chatty, json=True) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["verdict"] == "PASS"
    assert "hello" in captured.err


@pytest.mark.parametrize("as_json", [True, False])
def test_b15_no_secret_in_a_traceback_or_a_message(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    passwords.password(Target(url=Secret("postgresql://u:hunter2%21@h/db"), name="t"))
    for error in (ValueError("login with hunter2! failed"), StoreError("s", hint="postgresql://u:other@h/db hunter2!")):
        code_of(raising(error), json=as_json)
    captured = capsys.readouterr()
    for secret in ("hunter2!", "other@"):
        assert secret not in captured.out + captured.err
    assert "this is a bug in dbops" in captured.out + captured.err
    assert "Traceback" in captured.err


def test_names_from_outside_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    code_of(raising(StoreError("no \x1b[2J\x07 file")))
    code_of(lambda output: output.show({}, "\x1b]0;title\x07"))
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert "\\x1b[2J" in captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["verify", "--nonsense"],
        ["verify", "--target"],
        ["verify"],
        ["verify", "--store", "ftp://x"],
        ["verify", "--store", "file://host/x"],
        ["verify", "--store", "/x", "--jobs", "many"],
        ["verify", "--store", "/x", "--jobs", "0"],
        ["verify", "--store", "/x", "--target", "../x"],
        ["backup", "--store", "/x"],
        ["backup", "--store", "/x", "--url", "mysql://h/db?no_such=1"],
        ["backup", "--store", "/x", "--url", "h/db"],
        ["init"],
        ["restore", "--store", "/x", "--url", "postgresql://h/db", "--undo", "--drop-old"],
    ],
)
def test_mistakes_exit_2_and_say_what_to_do(tmp_path: Path, arguments: list[str]) -> None:
    done = dbops(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) >= 1


def test_a_mistake_with_json_is_one_document(tmp_path: Path) -> None:
    done = dbops(tmp_path, "backups", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["kind"] == "no-store"


def test_backups_and_verify_work_from_a_bare_store(tmp_path: Path) -> None:
    """No configuration, no database, and the store's only target found by itself."""
    catalog = a_catalog(tmp_path / "store")
    manifest = keep(catalog, a_manifest())
    listed = json.loads(dbops(tmp_path, "backups", "--json", DBOPS_STORE=catalog.store.url).stdout)
    row = {"id": manifest.id, "target": "shop", "bytes": 4, "verified_at": None, "verdict": None, "verified_by": None}
    assert listed == {"backups": [row], "unusable": []}
    done = dbops(tmp_path, "verify", "--json", "--store", catalog.store.url)
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (3, "FAIL"), "its archive is the word 'data'"
    assert [finding["id"] for finding in found["findings"]] == ["sums-missing", "archive-decode"]
    listed = json.loads(dbops(tmp_path, "backups", "--json", DBOPS_STORE=catalog.store.url).stdout)
    assert listed["backups"][0]["verdict"] == "FAIL"


def test_an_empty_store_is_inconclusive(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    assert dbops(tmp_path, "verify", "--store", str(tmp_path / "store")).returncode == 5
    assert dbops(tmp_path, "backups", "--store", str(tmp_path / "store")).returncode == 0


def test_a_store_that_is_not_there_is_a_failed_operation(tmp_path: Path) -> None:
    assert dbops(tmp_path, "verify", "--store", str(tmp_path / "nothing")).returncode == 4


def test_prune_without_a_terminal_refuses_without_yes(tmp_path: Path) -> None:
    catalog = a_catalog(tmp_path / "store")
    key = "shop/20200101T000000Z/backup.dump"
    catalog.store.put(key, b"half")
    path = catalog.store.local_path(key)
    assert path is not None
    old = time.time() - 3 * 86400
    os.utime(path, (old, old))
    arguments = ("prune", "--target", "shop", "--store", catalog.store.url)
    assert dbops(tmp_path, *arguments, "--dry-run").returncode == 0
    refused = dbops(tmp_path, *arguments)
    assert (refused.returncode, path.exists()) == (2, True)
    assert "--yes" in refused.stderr
    done = dbops(tmp_path, *arguments, "--yes", "--json")
    assert (done.returncode, path.exists()) == (0, False)
    assert json.loads(done.stdout)["items"][0]["keep"] is False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_task_in_order(tmp_path: Path, number: signal.Signals) -> None:
    """Cleanup runs, and the exit code is 130."""
    program = """if True:
        import sys, time
        from dbops.cli import boundary
        from invoke.exceptions import Exit
        try:
            with boundary():
                try:
                    print("ready", flush=True)
                    time.sleep(30)
                finally:
                    print("cleaned up", flush=True)
        except Exit as done:
            sys.exit(done.code)
    """
    argv = [sys.executable, "-c", program]
    with subprocess.Popen(argv, env=CLEAN | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.read() == "cleaned up\n"
        assert process.wait(20) == 130


@pytest.mark.parametrize("module", ["invoke", "dbops.tasks", "dbops.session"])
def test_ctrl_c_before_a_task_has_begun_ends_it_without_a_word(tmp_path: Path, module: str) -> None:
    """While that module is looked for: by the program, by its list of tasks, by a task before its work."""
    program = f"""if True:
        import runpy, signal, sys
        class Finder:
            def find_spec(self, name, path=None, target=None):
                if name == {module!r}:
                    signal.raise_signal(signal.SIGINT)
        sys.meta_path.insert(0, Finder())
        sys.argv = ["dbops", "migrate"]
        runpy.run_module("dbops", run_name="__main__")
    """
    environment = CLEAN | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize(
    ("closed", "expected", "told"),
    [("<&-", 2, "there is no terminal"), ("2>&-", 2, ""), ("<&- >&- 2>&-", 2, "")],
)
def test_streams_that_whoever_started_us_has_closed(tmp_path: Path, closed: str, expected: int, told: str) -> None:
    done = shell(tmp_path, f'exec "$0" -c "$1" init --store file:///s {closed}')
    assert done.returncode == expected
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_what_a_closed_stream_leaves_free_is_given_to_no_file(tmp_path: Path) -> None:
    """Else a child's words on its standard error would go into the file of a backup."""
    program = "from dbops.cli import usable_streams; usable_streams(); print(open('made', 'w').fileno())"
    done = shell(tmp_path, f'exec "$0" -c "{program}" <&- 2>&-')
    assert int(done.stdout) > 2


def test_a_letter_that_the_locale_lacks_is_no_failure(tmp_path: Path) -> None:
    keep(a_catalog(tmp_path / "store"), a_manifest())
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    listed = dbops(tmp_path, "backups", "--store", f"file://{tmp_path}/store", DBOPS_LANG="es", **ascii_only)
    assert (listed.returncode, "tama\\xf1o" in listed.stdout) == (0, True)


def shell(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """A line of sh; `$0` is Python, and `$1` the console script."""
    return subprocess.run(
        ["sh", "-c", script, sys.executable, PROGRAM],
        cwd=folder,
        env=CLEAN | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("line", "message", "advice"),
    [
        ("bakup", "there is no task 'bakup'", "did you mean backup?"),
        ("backup shop", "there is no task 'shop'", "dbops help all"),
        ("backup --job 3", "backup has no flag --job", "did you mean --jobs?"),
        ("backup --target", "--target needs a value", "dbops help backup"),
        ("prune --nothing=1", "prune has no flag --nothing", "dbops help prune"),
    ],
)
def test_a_mistake_in_the_command_line(tmp_path: Path, line: str, message: str, advice: str) -> None:
    done = dbops(tmp_path, *line.split())
    assert done.returncode == Exit.USAGE
    assert done.stderr.startswith(f"error: {message}\n  ")
    assert advice in done.stderr
    assert "Argument" not in done.stderr


def test_every_task_explains_itself_and_every_flag() -> None:
    for name, task in namespace.tasks.items():
        assert task.__doc__, name
        assert "invoke " in task.__doc__, f"{name} has an example"
        assert len(task.__doc__.splitlines()[0]) <= 100
        for argument in task.get_arguments():
            assert argument.help, f"{name} --{argument.name}"


def test_listing_the_tasks_loads_nothing_heavy() -> None:
    program = "import sys, dbops.tasks; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=CLEAN | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"psycopg", "boto3", "botocore", "rich", "pytest", "hypothesis"}
    assert not heavy & set(done.stdout.split())


class Tty:
    """stderr that says it is a terminal."""

    def __init__(self, *, tty: bool) -> None:
        self.text = ""
        self._tty = tty

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return self._tty


@pytest.mark.parametrize("tty", [True, False])
def test_progress_is_drawn_on_a_terminal_and_in_lines_elsewhere(tty: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    stream: Any = Tty(tty=tty)
    with console.progress(stream) as progress:
        progress.phase("dump", total_bytes=2_000_000)
        progress.item("public.invoices [bold]")
        progress.advance(1_500_000)
        progress.note("a \x1b[31mwarning\x1b[0m")
        progress.phase("publish")
    assert "dump: 1.5 MB in" in stream.text
    assert "a \\x1b[31mwarning" in stream.text
    assert "publish" in stream.text
    assert "\x1b[3" not in stream.text, "NO_COLOR"
    if not tty:
        assert "\x1b" not in stream.text
        assert stream.text.count("\n") == 3


def test_a_broken_log_does_not_stop_the_work() -> None:
    class Broken(Tty):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    stream: Any = Broken(tty=False)
    with console.progress(stream) as progress:
        progress.phase("dump")
        progress.note("x")


def test_a_confirmation_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    console.confirm("?", yes=True)
    with pytest.raises(RefusedError):
        console.confirm("?", yes=False)
    stdin: Any = Tty(tty=True)
    monkeypatch.setattr(sys, "stdin", stdin)
    for answer, agreed in (("y\n", True), ("YES\n", True), ("\n", False), ("n\n", False), ("", False)):
        stdin.readline = lambda answer=answer: answer
        try:
            console.confirm("?", yes=False)
        except DbopsError:
            assert not agreed
        else:
            assert agreed
