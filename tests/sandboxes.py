"""Sandboxes of every kind for the tests, in a child process too, and what is left of them."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from dbops import app
from dbops.sandbox.base import Needs, Sandbox, running
from dbops.sandbox.container import owner
from dbops.sandbox.postgres.image import VARIABLE
from tests.conftest import DEFAULT_IMAGE, _docker
from tests.demo_runs import Place, need_wheel
from tests.installations import find_installations
from tests.needs import need

KINDS = ("container", "local", "embedded")
PID = f"{owner.MARK}.pid"
IMAGES = f"{DEFAULT_IMAGE.partition(':')[0]}:{{major}}"


def need_kind(kind: str, request: pytest.FixtureRequest) -> None:
    """Skips, or fails in CI, where the machine lacks what the kind is made of."""
    if kind == "container":
        request.getfixturevalue("pg_image")
    elif kind == "embedded":
        need_wheel()
    elif not local_majors():
        need("no PostgreSQL server is installed")


@functools.cache
def local_majors() -> list[int]:
    return [found.major for found in find_installations() if found.origin == "debian"]


def major_of(kind: str) -> int:
    return {"container": 17, "local": local_majors()[-1] if local_majors() else 0, "embedded": 18}[kind]


@contextmanager
def sandbox(kind: str, **needs: Any) -> Iterator[Sandbox]:
    with running(app.open_sandbox(kind, Needs("postgres", major_of(kind), **needs)).sandbox) as server:
        yield server


def value(server: Sandbox, statement: str, database: str = "") -> Any:
    with psycopg.connect(server.url(database).reveal(), autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
        return row[0] if row else None


# -- in a process of its own -----------------------------------------------------------------------------------------

_CODE = """
import sys
{before}
from dbops import app
from dbops.sandbox.base import Needs, running
needs = Needs("postgres", {major}, preload={preload!r}, image={image!r})
sandbox = app.open_sandbox({kind!r}, needs).sandbox
print("starting", flush=True)
if {bare}:
    sandbox.start()
    sandbox.start = lambda: None
with running(sandbox) as server:
    print("started", server.url("").reveal(), flush=True)
    sys.stdin.readline()
"""


class Child:
    """A run that holds one sandbox until it gets a line, or a signal."""

    def __init__(
        self,
        place: Place,
        kind: str,
        *,
        preload: tuple[str, ...] = (),
        image: str | None = None,
        bare: bool = False,
        before: str = "",
    ) -> None:
        """`bare`: whoever starts it leaves all that a failed start has to undo to the sandbox itself; `before`: code
        that is run first."""
        major = major_of(kind)
        code = _CODE.format(kind=kind, major=major, preload=preload, image=image, bare=bare, before=before)
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
            env=place.environment({VARIABLE: IMAGES, "TESTCONTAINERS_RYUK_DISABLED": "false"}),
        )

    def until(self, word: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return line.removeprefix(word).strip()
        raise AssertionError(f"ended without {word!r}: {self.end()}")

    def end(self, line: str = "\n") -> str:
        """Its last words, once it has ended."""
        return self.process.communicate(line, timeout=120)[1]

    def containers(self) -> list[Any]:
        return [c for c in our_containers() if c.labels[PID] == str(self.process.pid)]


def our_containers() -> list[Any]:
    return list(
        _docker().from_env().containers.list(all=True, filters={"label": f"{owner.MARK}=1"}, ignore_removed=True)
    )
