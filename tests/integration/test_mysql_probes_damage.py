"""Files that are damaged for real: each probe that reads them says so, and names the table or the index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mysql_probing import damage, examined, probed, told
from tests.mysql_servers import MysqlServer, installation, servers

NEEDLES = [f"NEEDLE-0000-000{number}".encode() for number in range(4)]
WORDS = (b"several", b"plain", b"words", b"stand", b"others", b"follow", b"after", b"these")
TABLES = (
    "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a CHAR(16) CHARACTER SET latin1, UNIQUE u (a), KEY k (a),"
    " UNIQUE starts (a, id))",
    "INSERT INTO t (a) VALUES ('NEEDLE-0000-0001'), ('NEEDLE-0000-0002'), (NULL), (NULL)",
    "CREATE TABLE twin LIKE t",
    "INSERT INTO twin SELECT * FROM t",
    "CREATE TABLE checked (id INT PRIMARY KEY, a CHAR(16) CHARACTER SET latin1, CONSTRAINT no_three"
    " CHECK (a <> 'NEEDLE-0000-0003'))",
    "INSERT INTO checked VALUES (1, 'NEEDLE-0000-0001'), (2, NULL)",
    "CREATE TABLE flat (id INT PRIMARY KEY, a CHAR(16) CHARACTER SET latin1, UNIQUE u (a)) ENGINE=MyISAM",
    "INSERT INTO flat VALUES (1, 'NEEDLE-0000-0001'), (2, 'NEEDLE-0000-0002')",
    "CREATE TABLE gone (id INT PRIMARY KEY)",
    "CREATE TABLE searched (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT, FULLTEXT KEY words (t))",
    "INSERT INTO searched (t) VALUES ('several plain words stand here'), ('others follow after these')",
)


@pytest.fixture(params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    """A server of the test's own: after it nobody can use what is left."""
    with MysqlServer(installation(request.param)) as running:
        yield running


@pytest.fixture
def files(server: MysqlServer) -> Path:
    """The folder of a database with TABLES, on a server that is down; the test starts it."""
    server.create_database("hurt")
    server.execute(*TABLES, database="hurt")
    assert told(examined(server, "hurt")) == []
    server.execute("SET GLOBAL innodb_fast_shutdown = 0")
    server.stop()
    return server.data / "hurt"


def test_rows_that_their_indexes_do_not_know(server: MysqlServer, files: Path) -> None:
    damage(files / "t.ibd", server.kind, NEEDLES[2], NEEDLES[1])
    server.start()
    found = {(finding.id, finding.subject): finding.actual for finding in told(examined(server, "hurt"))}
    assert found.pop(("not-unique", "u ON t")) == "1 are there more than once: a=NEEDLE-0000-0001"
    if server.kind == "mysql":
        assert found.keys() == {("index-corrupt", f"{name} of t") for name in ("u", "k", "starts")}
        assert set(found.values()) == {"it holds other values"}
    else:
        assert found.keys() == {("index-corrupt", "t")}
        assert "Index 'u' contains 3 entries" in found["index-corrupt", "t"]
        assert "NEEDLE" not in found["index-corrupt", "t"]


def test_rows_that_violate_a_check(server: MysqlServer, files: Path) -> None:
    damage(files / "checked.ibd", server.kind, NEEDLES[1], NEEDLES[3])
    server.start()
    [finding] = told(examined(server, "hurt"))
    assert (finding.id, finding.subject) == ("constraint-violated", "no_three ON checked")
    assert finding.actual == "1 row violates it: id=1"


def test_a_table_of_another_engine(server: MysqlServer, files: Path) -> None:
    path = files / "flat.MYD"
    path.write_bytes(path.read_bytes().replace(NEEDLES[2], NEEDLES[1]))
    server.start()
    found = {(finding.id, finding.subject): finding.actual for finding in told(examined(server, "hurt"))}
    assert found["not-unique", "u ON flat"] == "1 are there more than once: a=NEEDLE-0000-0001"
    assert {subject for _, subject in found} <= {"u ON flat", "flat"}
    assert len(found) == 2


def test_a_table_without_its_file(server: MysqlServer, files: Path) -> None:
    (files / "gone.ibd").unlink()
    server.start()
    [finding] = probed(server, "hurt")
    assert (finding.id, finding.subject) == ("table-unreadable", "gone")
    found = told(examined(server, "hurt"))
    assert {(finding.id, finding.subject) for finding in found} == {("heap-corrupt", "gone")}


def test_a_full_text_index_without_its_words(server: MysqlServer, files: Path) -> None:
    """Every one of them is another in the tables in which the index keeps them."""
    for path in files.glob("*_[iI][nN][dD][eE][xX]_*"):
        for word in WORDS:
            if word in path.read_bytes():
                damage(path, server.kind, word, b"q" * len(word))
    server.start()
    [finding] = told(examined(server, "hurt"))
    assert (finding.id, finding.subject) == ("index-corrupt", "words of searched")
    assert finding.actual == "none of 8 words of its rows finds one"


def test_a_full_text_index_without_its_files(server: MysqlServer, files: Path) -> None:
    if server.kind == "mysql":
        pytest.skip("MySQL ends when it opens such an index")
    for path in files.glob("FTS_*_INDEX_*"):
        path.unlink()
    server.start()
    [finding] = told(examined(server, "hurt"))
    assert (finding.id, finding.subject) == ("index-corrupt", "words of searched")
    assert finding.actual.endswith("(126)")
