"""Throw-away MariaDB and MySQL servers: a fresh folder, a free port, gone when the test run ends.

    with MysqlServer(find("mysql9.7")) as server:
        url = server.create_database("a db")

A server listens on a unix socket in its own folder and on 127.0.0.1, and asks for a password on both. Its settings are
for speed unless told otherwise: tests kill processes, not power. The binary log and performance_schema are off: ask
with `settings={"log-bin": "binlog", "performance-schema": "ON"}`. Durability across `kill()` holds with
`settings=DURABLE`.

A test that runs on each product:

    @pytest.mark.parametrize("name", servers())
    def test_it(name: str) -> None:
        with MysqlServer(installation(name)) as server: ...
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pymysql

from tests.machine import free_port, guard, release, server_user, short_folder
from tests.mysql_installations import NAMES, MysqlInstallation, UnavailableError, find, find_installations
from tests.needs import need

if TYPE_CHECKING:
    from pymysql.connections import Connection as Driver
    from pymysql.cursors import Cursor

    Connection = Driver[Cursor]

__all__ = [
    "DURABLE",
    "MysqlInstallation",
    "MysqlServer",
    "find",
    "find_installations",
    "installation",
    "servers",
]

FAST = {
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "OFF",
    "innodb-flush-method": "nosync",
    "sync-binlog": "0",
    "innodb-buffer-pool-size": "64M",
    "performance-schema": "OFF",
    "skip-name-resolve": "ON",
    "max-connections": "100",
}
FAST_OF_KIND = {
    "mysql": {"mysqlx": "OFF", "innodb-redo-log-capacity": "32M"},
    "mariadb": {"innodb-log-file-size": "32M", "sync-frm": "OFF"},
}
DURABLE = {
    "innodb-flush-log-at-trx-commit": "1",
    "innodb-doublewrite": "ON",
    "innodb-flush-method": "fsync",
    "sync-binlog": "1",
}
# Settings that a data folder is made with, and that cannot be changed afterwards.
BIRTH = ("lower-case-table-names", "innodb-page-size", "innodb-data-file-path", "innodb-undo-tablespaces")
TIMEOUT = 120  # seconds that a start or a stop may take on a busy machine


def servers() -> list[str]:
    """The names of the servers that a test should run on, for `parametrize`; nothing is looked for yet."""
    return list(NAMES)


def installation(name: str) -> MysqlInstallation:
    """The installation of that name; where there is none, the test is skipped, or fails if that is not allowed."""
    try:
        return find(name)
    except UnavailableError as error:
        need(str(error))


class MysqlServer:
    """One MariaDB or MySQL server of its own. A context manager; `settings` are lines of an option file.

    Their names are written with hyphens, and ON or OFF is said: `{"event-scheduler": "ON"}`.
    """

    SUPERUSER = "root"

    def __init__(self, installation: MysqlInstallation, *, settings: Mapping[str, str] | None = None) -> None:
        self.installation = installation
        self.kind = installation.kind
        self.version = installation.version
        self.bindir = installation.bindir
        self.password = secrets.token_urlsafe(12)
        self.port = 0
        self.folder = short_folder("dbops-my-")
        self.data = self.folder / "data"
        self.socket = self.folder / "socket"
        self._pid_file = self.folder / "mysqld.pid"  # the guard knows this name
        self._settings = (
            FAST | FAST_OF_KIND[self.kind] | {key.replace("_", "-"): text for key, text in (settings or {}).items()}
        )
        self._process: subprocess.Popen[bytes] | None = None
        guard(self.folder)

    def __enter__(self) -> MysqlServer:
        try:
            self._make()
            self._first_start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # -- making it ---------------------------------------------------------------------------------------------------

    def _make(self) -> None:
        self.folder.chmod(0o755)  # clients of any user may reach the socket; the data directory itself is 0700
        server_user().takes(self.folder)
        (self.folder / "tmp").mkdir(mode=0o700)
        server_user().takes(self.folder / "tmp")
        self._write_options()
        birth = [f"--{name}={self._settings[name]}" for name in BIRTH if name in self._settings]
        if self.kind == "mariadb":
            rights = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
            install = self.installation.tool("mariadb-install-db")
            # Two at once would take each other's temporary tables for their own.
            places = [f"--datadir={self.data}", f"--tmpdir={self.folder / 'tmp'}"]
            self._tool(install, "--no-defaults", *places, *rights, *birth)
        elif birth or self.installation.cache is None:
            self._initialize(birth)
        else:
            self._copy_made(self.installation.cache)

    def _initialize(self, birth: Sequence[str]) -> None:
        usual = ["--initialize-insecure", "--innodb-redo-log-capacity=32M", "--secure-file-priv=NULL"]
        quick = [f"--{name}={FAST[name]}" for name in ("innodb-doublewrite", "innodb-flush-log-at-trx-commit")]
        self._tool(str(self.installation.server), "--no-defaults", f"--datadir={self.data}", *usual, *quick, *birth)

    def _copy_made(self, cache: Path) -> None:
        """MySQL takes four seconds to make a data folder: it is made once, kept with the programs, and copied."""
        made = cache / f"data-{server_user().uid}"
        if made.exists():
            subprocess.run(["cp", "-a", str(made), str(self.data)], check=True)
            return
        self._initialize([])
        (self.data / "auto.cnf").unlink(missing_ok=True)  # each server finds itself an identity of its own
        if os.access(cache, os.W_OK):
            partial = Path(tempfile.mkdtemp(prefix=".data-", dir=cache))
            subprocess.run(["cp", "-a", str(self.data), str(partial / "data")], check=True)
            with contextlib.suppress(OSError):  # another test worker was faster
                (partial / "data").rename(made)
            shutil.rmtree(partial)

    def _write_options(self) -> None:
        places = {
            "datadir": self.data,
            "socket": self.socket,
            "pid-file": self._pid_file,
            "tmpdir": self.folder / "tmp",
            "secure-file-priv": self.folder / "tmp",
            "bind-address": "127.0.0.1",
            "port": self.port,
        }
        if "log-bin" not in self._settings and "skip-log-bin" not in self._settings:
            self._settings["skip-log-bin"] = ""
        lines = [f"{name} = {value}" if value != "" else name for name, value in (places | self._settings).items()]
        path = self.folder / "my.cnf"
        path.write_text("[mysqld]\n" + "\n".join(lines) + "\n")
        server_user().takes(path)

    def _first_start(self) -> None:
        """Sets the passwords before the server takes its first connection, and finds it a port.

        Somebody may take the port between our look and the server's bind: then another one is tried.
        """
        script = self.folder / "accounts.sql"
        script.touch(mode=0o600)
        password = f"IDENTIFIED BY '{self.password}'"
        statements = [
            f"ALTER USER '{self.SUPERUSER}'@'localhost' {password}",
            f"CREATE USER IF NOT EXISTS '{self.SUPERUSER}'@'%' {password}",
            f"GRANT ALL PRIVILEGES ON *.* TO '{self.SUPERUSER}'@'%' WITH GRANT OPTION",
        ]
        if self.kind == "mariadb":  # it makes more accounts of root, without a password
            statements.insert(0, "DELETE FROM mysql.global_priv WHERE Host NOT IN ('localhost', '%') OR User = ''")
            statements.insert(1, "FLUSH PRIVILEGES")
        script.write_text("".join(statement + ";\n" for statement in statements))
        server_user().takes(script)
        for attempt in range(10):
            self.port = free_port()
            self._write_options()
            try:
                self.start(f"--init-file={script}")
            except RuntimeError:
                if attempt == 9 or "Do you already have another" not in self.log():
                    raise
                self._log_file.unlink()
            else:
                break
        script.unlink()

    def configure(self, settings: Mapping[str, str]) -> None:
        """Adds settings, which the next `start()` reads."""
        self._settings |= {key.replace("_", "-"): text for key, text in settings.items()}
        self._write_options()

    # -- its life ----------------------------------------------------------------------------------------------------

    def start(self, *options: str, again: bool = True) -> None:
        """Starts the server, and returns when it takes connections. `again`: once more if a signal ends it meanwhile,
        as its service would (Restart=on-abort): MariaDB 11.8 aborts in its recovery from a SIGKILL, once in many."""
        argv = [str(self.installation.server), f"--defaults-file={self.folder / 'my.cnf'}", *options]
        who = server_user()
        rights: dict[str, Any] = {"user": who.uid, "group": who.gid, "extra_groups": []} if who.switch else {}
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self._environment(),
                start_new_session=True,  # a Ctrl-C at the terminal is for the test run alone
                **rights,
            )
        deadline = time.monotonic() + TIMEOUT
        while not self._answers():
            if self._process.poll() is not None:
                status, self._process = self._process.returncode, None
                if status < 0 and again:
                    self.start(*options, again=False)
                    return
                raise RuntimeError(f"{argv[0]} ended while it was starting, status {status}: {self._tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{argv[0]} takes no connections after {TIMEOUT} s: {self._tail()}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        if not self._pid_file.exists():  # it is written after recovery, shortly before connections are taken
            return False
        try:
            self.connect().close()
        except pymysql.err.OperationalError as error:
            if error.args[0] == 1045:  # it answers, but not as our server would: that would be waiting for nothing
                raise RuntimeError(f"{self.socket}: {error}: {self._tail()}") from None
            return False
        return True

    def stop(self) -> None:
        """Shuts the server down in order if it runs, and returns when it is down."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                raise RuntimeError(f"the server does not stop within {TIMEOUT} s: {self._tail()}") from None
            self._process = None

    def kill(self) -> None:
        """SIGKILL, as a crash of the machine would; `start()` then recovers."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        for left in (self._pid_file, self.socket, self.socket.with_name("socket.lock")):
            left.unlink(missing_ok=True)

    def close(self) -> None:
        """Ends the server and removes its folder; harmless when repeated."""
        try:
            self.kill()
        finally:
            release(self.folder)

    # -- using it ----------------------------------------------------------------------------------------------------

    def url(self, database: str = "", *, user: str = SUPERUSER, password: str | None = None) -> str:
        """A TCP URL. The password is the superuser's own unless given; '' leaves it out."""
        return f"{self.kind}://{self._login(user, password)}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def socket_url(self, database: str = "", *, user: str = SUPERUSER, password: str | None = None) -> str:
        """A URL over the unix socket; a password is asked for there too."""
        where = urlencode({"unix_socket": str(self.socket)})
        return f"{self.kind}://{self._login(user, password)}@/{quote(database, safe='')}?{where}"

    def _login(self, user: str, password: str | None) -> str:
        if password is None:
            password = self.password if user == self.SUPERUSER else ""
        return quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")

    def connect(self, database: str | None = None, **options: Any) -> Connection:
        """A connection in autocommit mode as the superuser, through the socket; `options` are pymysql's."""
        usual: dict[str, Any] = {
            "user": self.SUPERUSER,
            "password": self.password,
            "charset": "utf8mb4",
            "autocommit": True,
            "ssl_disabled": True,  # the driver would load this machine's certificates for each session
        }
        connection: Connection = pymysql.connect(unix_socket=str(self.socket), database=database, **(usual | options))
        return connection

    def execute(self, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Runs statements as the superuser, each on its own, and gives back the rows of the last one."""
        with contextlib.closing(self.connect(database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def script(self, text: str | bytes, database: str = "", *arguments: str) -> str:
        """Runs a script (DELIMITER too) with this product's own client; gives back what it prints, without headers.

        The first error raises RuntimeError with the client's message.
        """
        data = text.encode() if isinstance(text, str) else text
        return self.client("mysql", "--batch", "--skip-column-names", *arguments, database, data=data).decode()

    def dump(self, database: str, *arguments: str) -> bytes:
        """What this product's own dump tool prints of a database, by default with everything that is in it."""
        usual = ["--single-transaction", "--routines", "--triggers", "--events", "--hex-blob"]
        if self.kind == "mysql":
            usual.append("--set-gtid-purged=OFF")
        return self.client("mysqldump", *usual, *arguments, database)

    def client(self, tool: str, *arguments: str, data: bytes = b"") -> bytes:
        """Runs a client tool, by its MySQL name, as the superuser through the socket; gives back what it prints."""
        login = self.folder / f"client-{secrets.token_hex(4)}.cnf"
        login.touch(mode=0o600)
        login.write_text(f"[client]\nuser={self.SUPERUSER}\npassword={self.password}\nsocket={self.socket}\n")
        try:
            argv = [self.installation.tool(tool), f"--defaults-file={login}", *filter(None, arguments)]
            done = subprocess.run(argv, input=data, capture_output=True, env=self._environment())
        finally:
            login.unlink()
        if done.returncode:
            raise RuntimeError(f"{tool}, status {done.returncode}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def create_database(self, name: str, options: str = "") -> str:
        """Creates a database (`options`: for instance `CHARACTER SET latin1`) and gives back its TCP URL."""
        self.execute(f"CREATE DATABASE {quoted(name)} {options}")
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drops a database; one that is not there is no error. Sessions that hold its tables are ended first."""
        sessions = "SELECT id FROM information_schema.processlist WHERE db = %s AND id <> CONNECTION_ID()"
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sessions, (name,))
            for (session,) in cursor.fetchall():
                with contextlib.suppress(pymysql.err.OperationalError):  # it has ended by itself
                    cursor.execute("KILL %s", (session,))
            cursor.execute(f"DROP DATABASE IF EXISTS {quoted(name)}")

    def log(self) -> str:
        """The server's own messages."""
        return self._log_file.read_text(encoding="utf-8", errors="replace") if self._log_file.exists() else ""

    # -- below -------------------------------------------------------------------------------------------------------

    @property
    def _log_file(self) -> Path:
        return self.folder / "log"

    def _tail(self) -> str:
        return "\n".join(self.log().splitlines()[-20:]) or "it has logged nothing"

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def _tool(self, *argv: str) -> None:
        done = server_user().run(list(argv), env=self._environment(), cwd=self.folder, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"{argv[0]}, status {done.returncode}: {done.stdout}{done.stderr}")


def quoted(name: str) -> str:
    """An identifier as SQL writes it."""
    return "`" + name.replace("`", "``") + "`"
