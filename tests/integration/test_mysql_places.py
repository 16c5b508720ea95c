"""Tables whose files are in a directory or tablespace of their own: a copy has them in the server's own folder where
that place is not to be had, or would be left with what nobody removes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dbops.engine.mysql.ddl import without_places
from dbops.errors import DatabaseError
from dbops.model import Report, Severity, Verdict
from tests.machine import release, server_user, short_folder
from tests.mysql_restoring import back_up, beside, run_restore
from tests.mysql_servers import MysqlServer, installation, servers


@contextmanager
def _place() -> Iterator[Path]:
    folder = short_folder("dbops-place-")
    try:
        server_user().takes(folder)
        yield folder
    finally:
        release(folder)


def _elsewhere(report: Report) -> dict[str, Severity]:
    assert report.verdict is Verdict.PASS, report.findings
    return {f.subject: f.severity for f in report.findings if f.id == "files-elsewhere"}


def _files(place: Path) -> set[str]:
    return {path.name for path in place.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", servers())
def test_a_database_with_files_in_other_places(name: str, tmp_path: Path) -> None:
    found = installation(name)
    mysql = found.kind == "mysql"
    with _place() as place, MysqlServer(found, settings={"innodb-directories": str(place)} if mysql else {}) as server:
        server.create_database("shop")
        there = f"DATA DIRECTORY = '{place}'"
        server.execute(
            f"CREATE TABLE one (id INT PRIMARY KEY COMMENT 'DATA DIRECTORY=') {there}",
            f"CREATE TABLE parts (id INT) PARTITION BY HASH (id) (PARTITION a {there}, PARTITION b)",
            "INSERT INTO one VALUES (1)",
            "INSERT INTO parts VALUES (1), (2)",
            *(
                ("CREATE TABLESPACE own ADD DATAFILE 'own.ibd'", "CREATE TABLE inside (id INT) TABLESPACE own")
                if mysql
                else (f"CREATE TABLE isam (id INT) ENGINE=MyISAM {there} INDEX DIRECTORY = '{place}'",)
            ),
            database="shop",
        )
        tables = {"one", "parts", "inside" if mysql else "isam"}
        backed = back_up(server, "shop", tmp_path)
        files = _files(place)
        with MysqlServer(found) as other:  # a sandbox: nothing of it lies about afterwards
            assert _elsewhere(run_restore(backed, server=other, throw_away=True)) == dict.fromkeys(
                tables, Severity.INFO
            )
        assert _files(place) == files
        if mysql:
            with MysqlServer(found) as other:  # it knows neither the directory nor the tablespace
                assert _elsewhere(run_restore(backed, server=other)) == dict.fromkeys(tables, Severity.WARNING)
        for _ in range(2):
            assert set(_elsewhere(run_restore(backed))) == (set() if mysql else tables)
        for aside in backed.restorer.asides():
            backed.restorer.drop(aside)
        assert not beside(server, "shop")
        server.stop()
        server.start()
        assert server.execute("SELECT id FROM one UNION ALL SELECT id FROM parts ORDER BY 1", database="shop") == [
            (1,),
            (1,),
            (2,),
        ]


def test_only_places_go() -> None:
    assert without_places(
        "CREATE TABLE `a DATA DIRECTORY='x'` (`b` int COMMENT ' DATA DIRECTORY=''/x''') DATA DIRECTORY='/d'"
    ) == ("CREATE TABLE `a DATA DIRECTORY='x'` (`b` int COMMENT ' DATA DIRECTORY=''/x''')")
    assert without_places("(`id` int) /*!50100 TABLESPACE `t ``s` */ ENGINE=InnoDB") == "(`id` int) ENGINE=InnoDB"
    part = "(PARTITION a DATA DIRECTORY = '/d''' INDEX DIRECTORY = '/d' TABLESPACE = `x` ENGINE = InnoDB)"
    assert without_places(part) == "(PARTITION a ENGINE = InnoDB)"


@pytest.mark.parametrize("name", ["mariadb10.11", "mariadb11.8"])
def test_a_table_that_cannot_be_made_is_what_a_failure_tells(name: str, tmp_path: Path) -> None:
    """An error of its own (1005), which is also what a foreign key without its index gives."""
    with _place() as place:
        keys = place / "keys"
        keys.write_text(f"1;{'ab' * 32}\n2;{'cd' * 32}\n")
        settings = {"plugin-load-add": "file_key_management", "file-key-management-filename": str(keys)}
        with MysqlServer(installation(name), settings=settings) as server:
            server.create_database("shop")
            server.execute(
                "CREATE TABLE secret (id INT PRIMARY KEY) ENCRYPTED=YES ENCRYPTION_KEY_ID=2", database="shop"
            )
            backed = back_up(server, "shop", tmp_path)
            assert run_restore(backed).verdict is Verdict.PASS
            with MysqlServer(installation(name)) as other, pytest.raises(DatabaseError, match="TABLE secret") as caught:
                run_restore(backed, server=other)
            assert caught.value.kind == "server-lacks"
