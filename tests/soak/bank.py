"""A database that is written to all the time, and whose every moment keeps two promises that a torn copy breaks.

Money moves between accounts, and each move has its line in a journal of the same transaction: the sum of all balances
never changes, and each balance is what the journal says.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from typing import Any, ClassVar, Protocol

import psycopg
import pymysql

from tests.installations import find_installations
from tests.mysql_installations import find
from tests.mysql_servers import MysqlServer
from tests.servers import Cluster

NAME, COPY = "bank", "bank_copy"
ACCOUNTS, OPENING = 2_000, 1_000
WRITERS = 3
PAUSE = 0.004  # seconds between two transactions of a writer: the machine is for dbops too

UNBALANCED = (
    f"SELECT COUNT(*) FROM accounts a WHERE a.balance <> {OPENING}"
    " + COALESCE((SELECT SUM(j.amount) FROM journal j WHERE j.payee = a.id), 0)"
    " - COALESCE((SELECT SUM(j.amount) FROM journal j WHERE j.payer = a.id), 0)"
)
PROMISES = {
    "the sum of all balances": ("SELECT CAST(SUM(balance) AS DECIMAL(20, 0)) FROM accounts", ACCOUNTS * OPENING),
    "balances that are not as the journal says": (UNBALANCED, 0),
}
"""What holds in every moment: a query, and the value that it gives."""

_FILL = (
    "CREATE TABLE accounts (id INT PRIMARY KEY, balance BIGINT NOT NULL, note VARCHAR(2000))",
    "CREATE TABLE journal ({serial} PRIMARY KEY, payer INT NOT NULL REFERENCES accounts (id),"
    " payee INT NOT NULL REFERENCES accounts (id), amount BIGINT NOT NULL, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)",
    "CREATE INDEX journal_payer ON journal (payer)",
    "CREATE INDEX journal_payee ON journal (payee)",
    "CREATE VIEW rich AS SELECT id, balance FROM accounts WHERE balance > 1000",
)


class Host(Protocol):
    """A server for the bank, as the soak test needs it: both engines look alike from here."""

    serial: str

    def url(self) -> str: ...

    def connect(self, database: str) -> Any:
        """A connection in autocommit mode, as the drivers of both engines give it."""

    def databases(self) -> set[str]: ...

    def strangers(self, ours: Sequence[int]) -> list[str]:
        """Sessions other than our own."""

    def session_id(self, connection: Any) -> int: ...

    errors: ClassVar[type[Exception]]


class PostgresHost:
    serial = "id BIGINT GENERATED ALWAYS AS IDENTITY"
    errors: ClassVar[type[Exception]] = psycopg.Error

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        cluster.create_database(NAME)

    def url(self) -> str:
        return self._cluster.url(NAME)

    def connect(self, database: str) -> psycopg.Connection:
        return self._cluster.connect(database)

    def session_id(self, connection: psycopg.Connection) -> int:
        return connection.info.backend_pid

    def databases(self) -> set[str]:
        return set(self._cluster.psql("SELECT datname FROM pg_database").split())

    def strangers(self, ours: Sequence[int]) -> list[str]:
        with closing(self._cluster.connect("postgres")) as connection:
            rows = connection.execute(
                "SELECT application_name || ': ' || query FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND pid <> ALL(%s) AND pid <> pg_backend_pid()",
                [list(ours)],
            )
            return [text for (text,) in rows]


class MysqlHost:
    serial = "id BIGINT AUTO_INCREMENT"
    errors: ClassVar[type[Exception]] = pymysql.MySQLError

    def __init__(self, server: MysqlServer) -> None:
        self._server = server
        server.create_database(NAME)

    def url(self) -> str:
        return self._server.url(NAME)

    def connect(self, database: str) -> Any:
        return self._server.connect(database)

    def session_id(self, connection: Any) -> int:
        return int(connection.thread_id())

    def databases(self) -> set[str]:
        return {name for (name,) in self._server.execute("SHOW DATABASES")}

    def strangers(self, ours: Sequence[int]) -> list[str]:
        rows = self._server.execute(
            "SELECT id, CONCAT(command, ': ', COALESCE(info, '')) FROM information_schema.processlist"
            " WHERE id <> CONNECTION_ID() AND user NOT IN ('system user', 'event_scheduler')"
        )
        return [text for number, text in rows if number not in ours]


@contextlib.contextmanager
def host(product: str) -> Iterator[Host]:
    """`postgres:17`, or a name that tests.mysql_installations knows, such as `mariadb10.11`."""
    with ExitStack() as stack:
        if product.startswith("postgres:"):
            major = int(product.removeprefix("postgres:"))
            installation = next(each for each in find_installations() if each.major == major)
            yield PostgresHost(stack.enter_context(Cluster(installation)))
        else:
            yield MysqlHost(stack.enter_context(MysqlServer(find(product))))


def fill(host: Host) -> None:
    with closing(host.connect(NAME)) as connection, connection.cursor() as cursor:
        for statement in _FILL:
            cursor.execute(statement.format(serial=host.serial))
        rows = [(number, OPENING, "é \\ ' \" \n" + "x" * (number % 1500)) for number in range(ACCOUNTS)]
        cursor.executemany("INSERT INTO accounts VALUES (%s, %s, %s)", rows)


def answer(host: Host, database: str, query: str) -> Any:
    with closing(host.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


class Writers:
    """Threads that move money until the context ends. Nothing that dbops does may make one of them fail."""

    def __init__(self, host: Host, seed: int) -> None:
        self._host = host
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(seed + number,)) for number in range(WRITERS)]
        self.sessions: list[int] = []
        self.written = 0
        self.longest = 0.0  # seconds that a transaction took
        self.failures: list[str] = []

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, seed: int) -> None:
        chance = random.Random(seed)
        with closing(self._host.connect(NAME)) as connection:
            self.sessions.append(self._host.session_id(connection))
            while not self._stop.wait(PAUSE):
                begun = time.monotonic()
                try:
                    payer, payee = chance.sample(range(ACCOUNTS), 2)
                    self._move(connection, payer, payee, chance.randrange(1, 50))
                except self._host.errors as error:
                    self.failures.append(f"{type(error).__name__}: {error}")
                    return
                self.written += 1
                self.longest = max(self.longest, time.monotonic() - begun)

    def _move(self, connection: Any, payer: int, payee: int, amount: int) -> None:
        changes = sorted([(payer, -amount), (payee, amount)])  # in one order: no deadlocks
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            for account, change in changes:
                cursor.execute("UPDATE accounts SET balance = balance + %s WHERE id = %s", (change, account))
            cursor.execute("INSERT INTO journal (payer, payee, amount) VALUES (%s, %s, %s)", (payer, payee, amount))
            cursor.execute("COMMIT")
