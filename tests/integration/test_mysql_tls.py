"""How sessions are encrypted: each ssl-mode against a server with TLS, and one without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbops.engine.mysql.connect import Access
from dbops.errors import DatabaseError
from tests.mysql_servers import MysqlServer, installation

OFF = {"mariadb": {"skip-ssl": ""}, "mysql": {"tls-version": "''"}}
CIPHER = "SHOW SESSION STATUS LIKE 'Ssl_cipher'"


@pytest.fixture(scope="module")
def encrypting() -> Iterator[MysqlServer]:
    """MySQL makes itself a certificate, of no known host."""
    with MysqlServer(installation("mysql9.7")) as server:
        yield server


@pytest.fixture(scope="module", params=["mariadb10.11", "mysql9.7"])
def plain(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    found = installation(request.param)
    with MysqlServer(found, settings=OFF[found.kind]) as server:
        yield server


def cipher(server: MysqlServer, **parameters: str) -> str:
    """What two sessions in turn are encrypted with; '' if not."""
    query = "&".join(f"{name.replace('_', '-')}={value}" for name, value in parameters.items())
    access = Access(f"{server.url()}?{query}")
    found = set()
    for _ in range(2):
        with access.session("") as connection, connection.cursor() as cursor:
            cursor.execute(CIPHER)
            found.add(str((cursor.fetchone() or ("", ""))[1]))
    [one] = found
    return one


def test_with_tls(encrypting: MysqlServer) -> None:
    authority = str(encrypting.data / "ca.pem")
    assert cipher(encrypting)
    for mode in ("PREFERRED", "REQUIRED"):
        assert cipher(encrypting, ssl_mode=mode)
    assert cipher(encrypting, ssl_mode="VERIFY_CA", ssl_ca=authority)
    assert cipher(encrypting, ssl_ca=authority)
    assert not cipher(encrypting, ssl_mode="DISABLED")


def test_a_server_that_is_not_the_one_it_says_is_refused(encrypting: MysqlServer) -> None:
    """Its certificate names no host; and without a CA of ours, nobody vouches for it."""
    authority = str(encrypting.data / "ca.pem")
    for parameters in (
        {"ssl_mode": "VERIFY_IDENTITY", "ssl_ca": authority},
        {"ssl_mode": "VERIFY_IDENTITY"},
        {"ssl_mode": "VERIFY_CA"},
    ):
        with pytest.raises(DatabaseError, match="certificate") as caught:
            cipher(encrypting, **parameters)
        assert caught.value.kind == "unreachable"
        assert encrypting.password not in str(caught.value)


def test_without_tls(plain: MysqlServer) -> None:
    assert cipher(plain) == cipher(plain, ssl_mode="DISABLED") == ""
    for mode in ("REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"):
        with pytest.raises(DatabaseError, match="SSL") as caught:
            cipher(plain, ssl_mode=mode)
        assert caught.value.kind == "unreachable"


def test_a_file_that_is_not_there_is_said(encrypting: MysqlServer) -> None:
    with pytest.raises(DatabaseError, match="No such file") as caught:
        cipher(encrypting, ssl_mode="VERIFY_CA", ssl_ca="/no/such/ca.pem")
    assert caught.value.kind == "unreachable"
