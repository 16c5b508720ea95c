"""A restore over a database whose files are damaged: what it is made for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.errors import PreflightError
from dbops.model import Verdict
from tests.mysql_restoring import back_up, beside, contents, run_restore
from tests.mysql_servers import MysqlServer, installation, servers


@pytest.fixture(params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        yield running


def test_tables_that_the_server_cannot_open(server: MysqlServer, tmp_path: Path) -> None:
    server.create_database("shop")
    server.execute(
        "CREATE TABLE `ho``sts` (id INT PRIMARY KEY)",
        "CREATE TABLE items (host INT, FOREIGN KEY (host) REFERENCES `ho``sts` (id))",
        "CREATE TABLE words (id INT PRIMARY KEY, word TEXT) ENGINE=MyISAM",
        "INSERT INTO `ho``sts` VALUES (1)",
        "INSERT INTO items VALUES (1)",
        "INSERT INTO words VALUES (1, 'one')",
        database="shop",
    )
    good, backed = contents(server, "shop"), back_up(server, "shop", tmp_path)
    server.stop()
    [data] = server.folder.rglob("ho@0060sts.ibd")
    data.unlink()
    [index] = server.folder.rglob("words.MYI")
    with index.open("r+b") as file:
        file.truncate(100)
    server.start()

    with pytest.raises(PreflightError, match=r"table-broken: shop\.ho`sts: .*Tablespace is missing") as caught:
        run_restore(backed)
    assert "words" not in caught.value.message  # its files can be set aside as they are
    assert not beside(server, "shop")
    with pytest.raises(PreflightError, match=r"shop\.words"):
        run_restore(backed, in_place=True, safety=lambda: backed.manifest)

    # What the message says.
    assert "SET foreign_key_checks = 0; DROP TABLE `shop`.`ho``sts`; then restore again" in caught.value.hint
    server.execute("SET foreign_key_checks = 0", "DROP TABLE `shop`.`ho``sts`")
    assert run_restore(backed).verdict is Verdict.PASS
    assert contents(server, "shop") == good
    [old] = beside(server, "shop")
    server.execute("DELETE FROM items", "DELETE FROM `ho``sts`", database="shop")
    assert server.execute("SELECT host FROM items", database=old) == [(1,)]
