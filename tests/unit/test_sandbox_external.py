"""A server that the caller gives: its URLs, and when it is not taken."""

from __future__ import annotations

import pytest

from dbops.config.urls import Secret
from dbops.errors import DatabaseError, PreflightError
from dbops.sandbox.base import Needs, Seen
from dbops.sandbox.external import ExternalProvider, ExternalServer, at, place_of

NEEDS = Needs("postgres", 17)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://ci:p%40s@db:5433/test", "postgresql://ci:p%40s@db:5433/a%20b"),
        ("postgresql+psycopg://ci@db/test?sslmode=require", "postgresql://ci@db/a%20b?sslmode=require"),
        ("postgresql:///test?host=/run/pg&dbname=x", "postgresql:///a%20b?host=%2Frun%2Fpg"),
        ("postgresql://ci:p@db", "postgresql://ci:p@db/a%20b"),
    ],
)
def test_the_url_of_another_database(url: str, expected: str) -> None:
    assert at(Secret(url), "a b").reveal() == expected


def test_the_place_of_a_server_shows_no_secret() -> None:
    assert place_of(Secret("postgresql://ci:geheim@db:5433/test")) == "db:5433"
    assert place_of(Secret("postgresql:///test?host=/run/pg&user=ci&password=geheim")) == "/run/pg"


def test_a_server_that_holds_something_is_refused() -> None:
    url = Secret("postgresql://ci@db/test")
    with pytest.raises(PreflightError, match="finance"):
        ExternalServer(url, lambda _: Seen("17.5", ("finance",), "postgres")).start()
    server = ExternalServer(url, lambda _: Seen("17.5", (), "postgres"))
    server.start()
    assert server.about[:4] == ("external", "postgres", "17.5", "db")
    server.stop()


def test_a_server_that_cannot_be_reached_or_is_another_engines_is_an_obstacle() -> None:
    def unreachable(url: Secret) -> Seen:
        raise DatabaseError("connection refused")

    postgres, mysql = Secret("postgresql://ci@db/test"), Secret("mysql://ci@db/test")
    assert ExternalProvider(postgres, unreachable).offer(NEEDS).obstacles == ("connection refused",)
    assert "mysql server" in ExternalProvider(mysql, unreachable).offer(NEEDS).obstacles[0]
    offer = ExternalProvider(postgres, lambda _: Seen("17.5", ("finance",), "postgres")).offer(NEEDS)
    assert (offer.obstacles, offer.major, offer.isolated) == ((), 17, None)
