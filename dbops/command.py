"""The one door for subprocesses: argv lists, never a shell; pipes drained; every exit status looked at."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from dbops.errors import ToolError
from dbops.language import msg

READ_BYTES = 1 << 20
STDERR_LINES = 40
GRACE_SECONDS = 5.0
MASK = "********"
PRIVATE = ("DBOPS_IDENTITY", "DBOPS_PASSPHRASE")
"""Variables that hold a secret of dbops itself: no other program gets them."""
_PIPE_BYTES = 1 << 20  # the most that Linux grants an unprivileged process: fewer switches between the two ends
_FEW_BYTES = 1 << 17
_PAUSE_SECONDS = 0.001

_URL_SECRET = re.compile(r"(?i)(\b\w+://[^\s:/@]*):(\S+)@")
_PAIR_SECRET = re.compile(
    r"(?i)\b(password|passwd|pwd|sslpassword|secret|token)(\s*[=:]\s*|\s+(?=['\"]))(?!(?-i:YES|NO)\)(?!\S))('[^']*'|\"[^\"]*\"|\S+)"
)


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """`text` with the given secrets, passwords in URLs and `password=…` pairs masked.

    Text of tools and servers goes through here before it may reach a message, a log or a report.
    """
    for secret in sorted((s for s in secrets if len(s) > 2), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _URL_SECRET.sub(rf"\1:{MASK}@", text)
    return _PAIR_SECRET.sub(rf"\1\2{MASK}", text)


class Result(NamedTuple):
    """A finished command: its exit status (negative: the signal), standard output as it was, last lines of stderr."""

    status: int
    stdout: str
    stderr: str


class Process:
    """A running child. Its stderr is drained by a thread, line by line, so that it can never block on a full pipe;
    unless `stderr` names a file for it. It inherits the descriptors `pass_fds` beside the three standard ones.
    `ours`: it is dbops itself."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdin: int | IO[bytes] | None = subprocess.DEVNULL,
        stdout: int | IO[bytes] | None = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
        cwd: Path | None = None,
        secrets: Sequence[str] = (),
        on_line: Callable[[str], None] | None = None,
        pass_fds: Sequence[int] = (),
        ours: bool = False,
    ) -> None:
        self.argv = tuple(argv)
        self.name = Path(argv[0]).name
        self._secrets = tuple(secrets)
        self._on_line = on_line
        self._lines: deque[str] = deque(maxlen=STDERR_LINES)
        given = dict(os.environ if env is None else env)
        try:
            # A session of its own: Ctrl-C reaches dbops alone, which then ends its children in order.
            self._popen = subprocess.Popen(
                self.argv,
                env=given if ours else {name: value for name, value in given.items() if name not in PRIVATE},
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=cwd,
                pass_fds=pass_fds,
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(
                msg("{name} could not be started: {reason}", name=self.name, reason=error.strerror or error),
                hint=msg("looked for {argv}; is it installed and executable?", argv=argv[0]),
                kind="tool-missing" if isinstance(error, FileNotFoundError) else "",
            ) from None
        self._wide = self._popen.stdout is not None and _widen(self._popen.stdout.fileno())
        self._drain = threading.Thread(target=self._read_stderr, name=f"{self.name}-stderr", daemon=True)
        self._drain.start()

    @property
    def pid(self) -> int:
        """Of the program itself."""
        return self._popen.pid

    @property
    def has_stdin(self) -> bool:
        return self._popen.stdin is not None

    @property
    def stdin(self) -> IO[bytes]:
        """`AssertionError` if the program was started without a pipe there."""
        assert self._popen.stdin is not None, "started without a pipe on stdin"  # noqa: S101
        return self._popen.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """`AssertionError` if the program was started without a pipe there."""
        assert self._popen.stdout is not None, "started without a pipe on stdout"  # noqa: S101
        return self._popen.stdout

    @property
    def stderr_tail(self) -> str:
        """The last lines that it wrote to stderr, without secrets."""
        return "\n".join(self._lines)

    def chunks(self) -> Iterator[bytes]:
        """Standard output to its end, in reads of at most `READ_BYTES`; nothing is held back.

        Programs write 4 KiB at a time, and a reader that is quicker wakes up for each. So one that has met little gives
        the wide pipe a moment to fill: at 500 MB/s that is half of what it holds, and no writer waits for it.
        """
        fd, passed = self.stdout.fileno(), 0
        while data := os.read(fd, READ_BYTES):
            yield data
            passed += len(data)
            if self._wide and len(data) < _FEW_BYTES < passed:
                time.sleep(_PAUSE_SECONDS)

    def poll(self) -> int | None:
        """Its exit status; None while it runs. Never waits."""
        return self._popen.poll()

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, once the process has ended and its stderr is drained; `subprocess.TimeoutExpired` if not."""
        status = self._popen.wait(timeout)
        self._drain.join(GRACE_SECONDS)  # not for ever: something that it left running may hold the pipe
        return status

    def check(self, timeout: float | None = None, *, allowed: Sequence[int] = (0,)) -> None:
        """Waits for the end and raises `ToolError` with the last lines of stderr unless the status is allowed."""
        status = self.wait(timeout)
        if status not in allowed:
            raise ToolError(
                msg("{name} {describe_status}", name=self.name, describe_status=describe_status(status)),
                hint=self.stderr_tail,
                kind="tool-failed",
            )

    def terminate(self) -> None:
        """Asks it to end, from any thread, and waits for nothing: whoever reads from it meets its end."""
        if self._popen.poll() is None:
            self._signal(signal.SIGTERM)

    def end(self) -> None:
        """Terminates, then kills; returns when the process is gone. Harmless on a finished one."""
        if self._popen.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self._popen.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        self._drain.join(GRACE_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._popen.pid, number)
        except ProcessLookupError:
            return

    def _read_stderr(self) -> None:
        if self._popen.stderr is None:  # it goes elsewhere
            return
        with self._popen.stderr as pipe:
            for raw in pipe:
                line = redact(raw.decode("utf-8", "replace").rstrip("\n"), self._secrets)
                self._lines.append(line)
                if self._on_line is not None:
                    self._on_line(line)


@contextmanager
def running(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: int | IO[bytes] | None = subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = subprocess.PIPE,
    stderr: int | IO[bytes] = subprocess.PIPE,
    cwd: Path | None = None,
    secrets: Sequence[str] = (),
    on_line: Callable[[str], None] | None = None,
    pass_fds: Sequence[int] = (),
    ours: bool = False,
) -> Iterator[Process]:
    """A child that is surely gone when the block ends. The block calls `check()`: an unchecked status is a bug."""
    process = Process(
        argv,
        env=env,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd=cwd,
        secrets=secrets,
        on_line=on_line,
        pass_fds=pass_fds,
        ours=ours,
    )
    try:
        yield process
    finally:
        process.end()


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    input: bytes | None = None,
    timeout: float | None = None,
    cwd: Path | None = None,
    secrets: Sequence[str] = (),
) -> Result:
    """Runs a command whose output is small and returns what it said; never raises for its exit status.

    `timeout` is in seconds; when it passes the command is ended and `ToolError` (kind 'tool-timeout') raised.
    """
    stdin = subprocess.PIPE if input is not None else subprocess.DEVNULL
    with running(argv, env=env, stdin=stdin, cwd=cwd, secrets=secrets) as process:
        output: list[bytes] = []
        reader = threading.Thread(target=lambda: output.extend(process.chunks()), daemon=True)
        reader.start()
        if input is not None:
            try:
                process.stdin.write(input)
                process.stdin.close()
            except BrokenPipeError:
                pass  # it ended without reading all: its status says why
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ToolError(
                msg("{process} did not end within {timeout:g} s", process=process.name, timeout=timeout),
                hint=process.stderr_tail,
                kind="tool-timeout",
            ) from None
        reader.join(GRACE_SECONDS)
        return Result(status, b"".join(output).decode("utf-8", "replace"), process.stderr_tail)


def describe_status(status: int) -> str:
    """`ended with status 1`, or `was ended by signal 9 (SIGKILL)`."""
    if status >= 0:
        return msg("ended with status {status}", status=status)
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "unknown"
    return msg("was ended by signal {status} ({name})", status=-status, name=name)


def _widen(fd: int) -> bool:
    """Asks for a larger pipe buffer. Linux only; a refusal costs speed, nothing else."""
    import fcntl

    setter = getattr(fcntl, "F_SETPIPE_SZ", None)
    if setter is None:
        return False
    try:
        return bool(fcntl.fcntl(fd, setter, _PIPE_BYTES) >= _PIPE_BYTES)
    except OSError:  # not a pipe, or this user's share is used up
        return False
