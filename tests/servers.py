"""Throw-away PostgreSQL clusters: a fresh folder, a free port, gone when the test run ends.

    with Cluster(find_installations()[0]) as cluster:
        url = cluster.create_database("a db")

A cluster listens on a unix socket in its own folder (no password) and on 127.0.0.1 (SCRAM password). It runs with
fsync off unless told otherwise: tests want speed and kill processes, not power.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from tests.installations import Installation, find_installations, runnable
from tests.machine import free_port, guard, live_processes, release, server_user, short_folder

__all__ = ["Cluster", "Database", "Installation", "find_installations"]

SUPERUSER = "postgres"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
TIMEOUT = 120  # seconds that a start or a stop may take on a busy machine


class Cluster:
    """One PostgreSQL server of its own. A context manager; `settings` are lines of postgresql.conf."""

    def __init__(
        self, installation: Installation, *, settings: Mapping[str, str] | None = None, initdb: str = ""
    ) -> None:
        self.installation = runnable(installation)
        self.major = installation.major
        self.bindir = self.installation.bindir
        self.password = secrets.token_urlsafe(12)
        self.port = 0
        self.folder = short_folder("dbops-pg-")
        self.data = self.folder / "data"
        self._settings = FAST | dict(settings or {})
        self._initdb_arguments = initdb.split()
        guard(self.folder)

    def __enter__(self) -> Cluster:
        try:
            self._initdb()
            self._first_start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # -- making it ---------------------------------------------------------------------------------------------------

    def _initdb(self) -> None:
        self.folder.chmod(0o755)  # clients of any user may reach the socket; the data directory itself is 0700
        server_user().takes(self.folder)
        password_file = self.folder / "password"
        password_file.write_text(self.password)
        password_file.chmod(0o600)
        server_user().takes(password_file)
        access = ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password_file}"]
        locale = ["--locale=C.UTF-8", "-E", "UTF8"]
        self._tool("initdb", "-D", str(self.data), "-U", SUPERUSER, "-N", *locale, *access, *self._initdb_arguments)
        password_file.unlink()
        self.configure({"unix_socket_directories": str(self.folder), "listen_addresses": "127.0.0.1"} | self._settings)

    def _first_start(self) -> None:
        """Somebody may take the port between our look and the server's bind: then try another one."""
        for attempt in range(10):
            self.port = free_port()
            try:
                self.start()
            except RuntimeError:
                if attempt == 9 or "could not bind" not in self.log():
                    raise
                (self.folder / "log").unlink()
            else:
                return

    def configure(self, settings: Mapping[str, str]) -> None:
        """Adds settings; most need `reload()`, some a `stop()` and `start()`."""
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as conf:
            for name, value in settings.items():
                conf.write("{} = '{}'\n".format(name, value.replace("'", "''")))

    def reload(self) -> None:
        self._pg_ctl("reload")

    def start(self) -> None:
        """Starts the server, and returns when it takes connections."""
        self._pg_ctl("-l", str(self.folder / "log"), "-o", f"-p {self.port}", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stops the server (smart, fast or immediate) if it runs, and returns when it is down."""
        if self._postmaster():
            self._pg_ctl("-m", mode, "stop")

    def kill(self) -> None:
        """SIGKILL to every process of the server at once, as a crash of the machine would; `start()` then recovers."""
        postmaster = self._postmaster()
        if not postmaster:
            return
        family = {postmaster} | {pid for pid, parent in live_processes().items() if parent == postmaster}
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + TIMEOUT
        while family & live_processes().keys():
            if time.monotonic() > deadline:
                raise RuntimeError(f"processes of the server survive SIGKILL: {family}")
            time.sleep(0.01)
        # A postmaster that is a zombie (its new parent may reap late, or never) would still look alive to the next one.
        for lock in [self.data / "postmaster.pid", *self.folder.glob(".s.PGSQL.*")]:
            lock.unlink(missing_ok=True)

    def close(self) -> None:
        """Ends the server and removes its folder; harmless when repeated."""
        try:
            self.stop("immediate")
        except RuntimeError:
            self.kill()
        finally:
            release(self.folder)

    # -- using it ----------------------------------------------------------------------------------------------------

    def url(self, database: str = "postgres", *, user: str = SUPERUSER, password: str | None = None) -> str:
        """A TCP URL. The password is the superuser's own unless given; '' leaves it out."""
        if password is None:
            password = self.password if user == SUPERUSER else ""
        login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        return f"postgresql://{login}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def socket_url(self, database: str = "postgres", *, user: str = SUPERUSER) -> str:
        """A URL over the unix socket, where no password is asked for."""
        where = urlencode({"host": str(self.folder), "port": self.port, "user": user})
        return f"postgresql:///{quote(database, safe='')}?{where}"

    def connect(self, database: str = "postgres", **options: Any) -> psycopg.Connection:
        """A connection in autocommit mode as the superuser, through the socket."""
        return psycopg.connect(self.socket_url(database), autocommit=True, **options)

    def psql(self, script: str, database: str = "postgres", *arguments: str, cwd: Path | None = None) -> str:
        """Runs a script (meta-commands too) with this version's psql as the superuser; gives back what it prints.

        Rows come unaligned and without headers. The first error raises RuntimeError with psql's message.
        """
        argv = [self.installation.tool("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.socket_url(database)]
        environment = {**os.environ, "PGOPTIONS": "-c client_min_messages=warning", "PGCLIENTENCODING": "UTF8"}
        done = subprocess.run(
            [*argv, *arguments], input=script, text=True, capture_output=True, cwd=cwd, env=environment
        )
        if done.returncode:
            raise RuntimeError(f"psql, status {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def create_database(self, name: str, *, template: str = "template0") -> str:
        """Creates a database and gives back its TCP URL."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        with self.connect() as connection:
            connection.execute(statement)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drops a database, ending the sessions in it; one that is not there is no error."""
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def spelled(self, script: str) -> str:
        """The script, with text in the place of XML where the server was built without it (that of 18 on PyPI was)."""
        return script if self._xml else re.sub(r"\bxml\b", "text", script)

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    # -- below -------------------------------------------------------------------------------------------------------

    @functools.cached_property
    def _xml(self) -> bool:
        with self.connect() as connection:
            try:
                connection.execute("SELECT xml '<a/>'")
            except psycopg.errors.FeatureNotSupported:
                return False
        return True

    def _postmaster(self) -> int | None:
        """The process id of the running server, if there is one."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if pid in live_processes() else None

    def _pg_ctl(self, *arguments: str) -> None:
        self._tool("pg_ctl", "-D", str(self.data), "-w", "-t", str(TIMEOUT), *arguments)

    def _tool(self, name: str, *arguments: str) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        argv = [self.installation.tool(name), *arguments]
        done = server_user().run(argv, env=environment, cwd=self.folder, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"{name}, status {done.returncode}: {done.stdout}{done.stderr}{self.log()}")
        return done.stdout


@dataclass(frozen=True)
class Database:
    """A database of a cluster."""

    cluster: Cluster
    name: str

    @property
    def url(self) -> str:
        return self.cluster.url(self.name)

    @property
    def socket_url(self) -> str:
        return self.cluster.socket_url(self.name)

    def connect(self, **options: Any) -> psycopg.Connection:
        """A connection in autocommit mode as the superuser."""
        return self.cluster.connect(self.name, **options)

    def psql(self, script: str, *arguments: str, cwd: Path | None = None) -> str:
        return self.cluster.psql(script, self.name, *arguments, cwd=cwd)
