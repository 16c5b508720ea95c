"""Servers in containers, as somebody would run them beside an application: by the docker command line."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

from tests.needs import need
from tests.waiting import until

PASSWORD = "a container's password"


class Container(NamedTuple):
    name: str

    def inside(self, *argv: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return docker("exec", "-i", self.name, *argv, text=text)


def docker(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *words], input=text, capture_output=True, text=True)


@contextlib.contextmanager
def container(image: str, *flags: str, ready: tuple[str, ...]) -> Iterator[Container]:
    """Of an image of these tests, and ready: when `ready`, run inside, has succeeded."""
    if shutil.which("docker") is None or docker("image", "inspect", f"dbops-test/{image}").returncode:
        need(f"no Docker engine with the image dbops-test/{image}")
    made = Container(f"dbops-test-{secrets.token_hex(4)}")
    variables = [f"{name}={PASSWORD}" for name in ("POSTGRES_PASSWORD", "MARIADB_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD")]
    words = [word for variable in variables for word in ("--env", variable)]
    done = docker("run", "--detach", "--name", made.name, *words, *flags, f"dbops-test/{image}")
    try:
        assert done.returncode == 0, done.stderr
        until(lambda: made.inside(*ready).returncode == 0, f"{image} answers")
        yield made
    finally:
        docker("rm", "--force", "--volumes", made.name)


def postgres(*flags: str) -> contextlib.AbstractContextManager[Container]:
    """The entrypoint's first server does not listen on the loopback address."""
    return container("postgres:15", *flags, ready=("pg_isready", "--quiet", "--host=127.0.0.1", "--username=postgres"))


def mariadb(*flags: str) -> contextlib.AbstractContextManager[Container]:
    ready = ("mariadb", "--host=127.0.0.1", "--user=root", f"--password={PASSWORD}", "--execute=SELECT 1")
    return container("mariadb:11.8", *flags, ready=ready)
