"""What a URL says of the far end, and the URL by a route's address."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops.engine.mysql import address as mysql
from dbops.engine.postgres import address as postgres
from dbops.errors import ConfigError
from dbops.route.base import Near
from dbops.route.ssh_words import hint

PORT = Near(host="127.0.0.1", port=4711)
SOCKET = Near(socket=Path("/x/.s.PGSQL.5432"))


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PGSSLMODE", "PGPORT", "PGHOST", "PGUSER", "PGPASSFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("url", "host", "port", "socket", "over_socket"),
    [
        ("postgresql://u@db.internal/shop", "db.internal", 5432, "", False),
        ("postgresql://u@db.internal:5433/shop?sslmode=disable", "db.internal", 5433, "", True),
        ("postgresql://u@localhost/shop", "localhost", 5432, "", True),
        ("postgresql://u@localhost/shop?sslmode=require", "localhost", 5432, "", False),
        ("postgresql://u@localhost/shop?sslrootcert=system", "localhost", 5432, "", False),
        ("postgresql:///shop", "", 5432, "", True),
        ("postgresql:///shop?host=/run/pg&port=5433", "", 5433, "/run/pg/.s.PGSQL.5433", True),
    ],
)
def test_where_postgres_is(url: str, host: str, port: int, socket: str, over_socket: bool) -> None:
    far = postgres.far(url)
    assert (far.host, far.port, far.socket, far.over_socket) == (host, port, socket, over_socket)


@pytest.mark.parametrize("url", ["postgresql:///?service=shop", "postgresql://a,b/shop", "postgresql://a:1,a:2/shop"])
def test_one_place_is_needed(url: str) -> None:
    with pytest.raises(ConfigError, match="one host and port"):
        postgres.far(url)


def test_postgres_by_a_route() -> None:
    url = "postgresql://u@db.internal:5433/shop?sslmode=verify-full"
    by_port = "postgresql://u@/shop?sslmode=verify-full&host=db.internal&hostaddr=127.0.0.1&port=4711"
    assert postgres.through(url, PORT) == by_port
    assert postgres.through("postgresql:///shop?host=/run/pg", SOCKET, "postgres") == (
        "postgresql:///shop?user=postgres&host=/x&port=5432"
    )
    assert "user=" not in postgres.through("postgresql://u@/shop?host=/run/pg", SOCKET, "postgres")


def test_mysql_by_a_route() -> None:
    url = "mysql://u@db.internal:3307/shop?ssl-mode=VERIFY_IDENTITY"
    far = mysql.far(url)
    assert (far.host, far.port, far.socket, far.over_socket) == ("db.internal", 3307, "", False)
    by_port = "mysql://u@127.0.0.1:4711/shop?ssl-mode=VERIFY_IDENTITY&ssl-server-name=db.internal"
    assert mysql.through(url, PORT) == by_port
    there = "mariadb:///shop?unix_socket=/run/m.sock"
    assert mysql.far(there).socket == "/run/m.sock"
    assert mysql.through(there, Near(socket=Path("/x/mysql.sock")), "me") == (
        "mariadb://me@/shop?unix_socket=/x/mysql.sock"
    )


@pytest.mark.parametrize(
    ("line", "password"),
    [
        ("db.internal:5432:shop:u:a\\:b\\\\c", "a:b\\c"),
        ("*:*:*:*:any", "any"),
        ("# comment\n\ndb.internal:5432:shop:other:no\ndb.internal:*:shop:u:yes\n*:*:*:*:late", "yes"),
        ("db.internal:5433:shop:u:no", None),
    ],
)
def test_the_password_file_is_asked_for_the_far_end(tmp_path: Path, line: str, password: str | None) -> None:
    """Not for the port that a tunnel happens to have."""
    file = tmp_path / ".pgpass"
    file.write_text(f"{line}\n")
    file.chmod(0o600)
    assert postgres.kept_password("postgresql://u@db.internal/shop") == password
    file.chmod(0o644)
    assert postgres.kept_password("postgresql://u@db.internal/shop") is None


def test_advice_on_what_ssh_says() -> None:
    assert "ssh-keygen -R" in hint("Host key for db has changed and you have requested strict checking.", "db")
    assert hint("something else", "db") == ""
