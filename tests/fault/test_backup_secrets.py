"""The password is seen nowhere but in the environment of the client programs (B15)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from dbops.config import Seconds
from dbops.errors import LockedError
from tests.fault.support import DBOPS, ROOT, fill, process, run, target, until
from tests.installations import Installation
from tests.servers import Cluster, Database

PASSWORD = "pä ss'w\"o\\rd%40$(id)`&;#@/:?=z"
PLAIN = PASSWORD.rpartition("\\")[2]
"""The end of it: what no way of quoting changes, but for URLs."""
CLIENTS = ("pg_dump", "psql")


@pytest.fixture(scope="module")
def shop(installation: Installation) -> Iterator[Database]:
    with Cluster(installation) as cluster:
        cluster.create_database("shop")
        fill(Database(cluster, "shop"), 10_000)
        with cluster.connect() as connection:
            literal = connection.execute("SELECT quote_literal(%s)", [PASSWORD]).fetchone()
            assert literal is not None
            connection.execute(f"CREATE ROLE keeper LOGIN SUPERUSER PASSWORD {literal[0]}".encode())
        yield Database(cluster, "shop")


class Watch:
    """Looks at every process below one, all the time; remembers who had the password where."""

    def __init__(self, root: int) -> None:
        self.in_argv: set[str] = set()
        self.in_environment: set[str] = set()
        self.seen: set[str] = set()
        self._root = root
        self._stop = threading.Event()
        self._needles = [form.encode() for form in (PASSWORD, PLAIN, quote(PASSWORD, safe=""), quote(PASSWORD))]

    def look(self) -> None:
        while not self._stop.is_set():
            for folder in Path("/proc").iterdir():
                if folder.name.isdigit() and int(folder.name) != os.getpid():
                    self.look_at(folder)

    def look_at(self, folder: Path) -> None:
        try:
            name = (folder / "comm").read_text().strip()
            argv = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes()
        except OSError:
            return  # gone
        self.seen.add(name)
        if any(needle in argv for needle in self._needles):
            self.in_argv.add(f"{name} {argv!r}")
        if any(needle in environment for needle in self._needles) and int(folder.name) != self._root:
            self.in_environment.add(name)

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self.look)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()


def hidden(text: str) -> None:
    for form in (PASSWORD, quote(PASSWORD, safe=""), quote(PASSWORD), json.dumps(PASSWORD)[1:-1], PASSWORD[:8]):
        assert form not in text


def configuration(folder: Path, cluster: Cluster, source: str) -> dict[str, str]:
    """A dbops.toml whose password comes from there, and the environment it needs."""
    url = cluster.url("shop", user="keeper")
    environment = {"DBOPS_CONFIG": str(folder / "dbops.toml"), "DBOPS_STORE": (folder / "store").as_uri()}
    setting = ""
    if source == "url":
        url = cluster.url("shop", user="keeper", password=PASSWORD)
    elif source == "file":
        (folder / "password").write_text(PASSWORD + "\n")
        (folder / "password").chmod(0o600)
        setting = f'password_file = "{folder / "password"}"'
    elif source == "environment":
        environment["SHOP_PASSWORD"] = PASSWORD
        setting = 'password_env = "SHOP_PASSWORD"'
    elif source == "command":
        (folder / "secret").write_text(PASSWORD + "\n")
        setting = f'password_command = ["cat", "{folder / "secret"}"]'
    elif source == "pgpass":
        escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
        (folder / "pgpass").write_text(f"*:*:*:keeper:{escaped}\n")
        (folder / "pgpass").chmod(0o600)
        environment["PGPASSFILE"] = str(folder / "pgpass")
    text = f'[targets.shop]\nurl = {json.dumps(url)}\n{setting}\ninventory = "content"\njobs = 2\n'
    (folder / "dbops.toml").write_text(text)
    (folder / "dbops.toml").chmod(0o600)
    return environment


@pytest.mark.parametrize("source", ["url", "file", "environment", "command", "pgpass"])
def test_nowhere_while_a_backup_runs(shop: Database, tmp_path: Path, source: str) -> None:
    environment = configuration(tmp_path, shop.cluster, source)
    expected = set() if source == "pgpass" else set(CLIENTS)
    seen: set[str] = set()
    for _ in range(20):  # a program that lives for a moment may be missed on a busy machine
        with process("backup", "--json", env=environment) as dbops:
            watch = Watch(dbops.pid)
            with watch.watching():
                out, err = dbops.communicate(timeout=120)
        assert dbops.returncode == 0, err
        assert watch.in_argv == set()
        # A process that has been forked and has not yet become another program bears our own name and environment.
        assert watch.in_environment - {"python", "python3", Path(sys.executable).resolve().name} <= expected
        hidden(out + err)
        seen |= watch.seen
        if {"pg_dump", "psql"} <= seen:
            break
    assert {"pg_dump", "psql"} <= seen, "the watch was too slow"
    for path in (tmp_path / "store").rglob("*"):
        if path.is_file():
            hidden(path.read_bytes().decode("utf-8", "replace"))
    assert PASSWORD not in shop.cluster.log()


def test_the_watch_sees_what_it_should() -> None:
    """The same watch finds a password in an argv and in an environment."""
    argv = [sys.executable, "-c", "input()", PASSWORD]
    with subprocess.Popen(argv, env={"P": PASSWORD}, stdin=subprocess.PIPE) as guilty:
        watch = Watch(0)
        with watch.watching():
            until(lambda: watch.in_argv and watch.in_environment, "the watch sees it")
        guilty.kill()


@pytest.mark.parametrize("task", ["backup", "doctor"])
@pytest.mark.parametrize("failure", ["password", "database", "host", "url"])
def test_not_in_an_error(shop: Database, tmp_path: Path, failure: str, task: str) -> None:
    cluster = shop.cluster
    url = {
        "password": cluster.url("shop", user="postgres", password=PASSWORD),
        "database": cluster.url("no such", user="keeper", password=PASSWORD),
        "host": f"postgresql://keeper:{quote(PASSWORD, safe='')}@127.0.0.1:1/shop",
        "url": f"postgresql://keeper:{quote(PASSWORD, safe='')}@127.0.0.1:port/shop?no%20such=1",
    }[failure]
    for arguments in (["--json"], []):
        done = subprocess.run(
            [*DBOPS, task, "--store", str(tmp_path / "store"), *arguments],
            env=os.environ | {"DATABASE_URL": url},
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=60,
        )
        assert done.returncode in (2, 3, 4), done.stderr
        assert "Traceback" not in done.stderr
        hidden(done.stdout + done.stderr)


def test_not_in_a_traceback(shop: Database, tmp_path: Path) -> None:
    """A bug prints its traceback, with values: the password is masked there too."""
    bug = "import dbops.ops.backup as b\ndef bug(*a, **k): raise ValueError(f'{a} {k} ' + P)\nb.backup = bug\n"
    script = f"P = {PASSWORD!r}\n{bug}from dbops.cli import main; import sys; sys.argv = ['dbops', 'backup']; main()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ
        | {"DATABASE_URL": shop.cluster.url("shop", user="keeper", password=PASSWORD)}
        | {"DBOPS_STORE": str(tmp_path)},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 1
    assert "ValueError" in done.stderr
    assert PASSWORD not in done.stderr


def test_not_in_the_statement_of_somebody_else(shop: Database, tmp_path: Path) -> None:
    """Who holds a lock is shown with the last statement, which may be one that sets a password."""
    chosen = target(shop.url, lock_timeout=Seconds(0.2))
    with shop.connect() as holder, holder.transaction(force_rollback=True):
        holder.execute("LOCK TABLE small IN ACCESS EXCLUSIVE MODE")
        holder.execute("ALTER ROLE keeper PASSWORD 'hunter2'")
        with pytest.raises(LockedError) as caught:
            run(chosen, tmp_path)
    assert "ALTER ROLE keeper" in caught.value.message
    assert "hunter2" not in str(caught.value)
