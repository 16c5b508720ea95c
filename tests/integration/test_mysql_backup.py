"""Backups of real MySQL and MariaDB servers, in every format, and restored by hand as RESTORE.md says."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.config import Target
from dbops.errors import PreflightError
from dbops.inventory.digests import comparable
from dbops.model import Manifest, Severity
from dbops.progress import Silent
from tests.fault import mysql, support
from tests.mysql_servers import MysqlServer, installation, quoted, servers

NAMES = {
    "quotes": "a \"b\" 'c' `d`",
    "backslashes": "a\\b\\\\c\\n",
    "comment": "x -- y /* z",
    "statement": "a; DROP TABLE b; #",
    "percent": "%s %% {}_",
    "unicode": "données 数据",
    "reserved": "select",
    "long": "é" * 60,
    "dash": "-x --all-databases",
    "dots": "a.b.c",
}


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    chosen = installation(request.param)
    # With GTIDs, as MySQL has them by default: a dump that names them does not load on the server that it was made of.
    with MysqlServer(chosen, settings=mysql.LOGGED[chosen.kind]) as running:
        mysql.fill(running, "bank", 2000)
        yield running


def by_hand(server: MysqlServer, store: Path, manifest: Manifest) -> None:
    """Runs the very commands of RESTORE.md."""
    folder = store / manifest.target / manifest.id
    login = folder.parent / "my.cnf"
    login.touch(0o600)
    login.write_text(f"[client]\nuser=root\npassword={server.password}\nsocket={server.socket}\n")
    client = server.installation.tool("mysql")
    commands = [line.strip() for line in (folder / "RESTORE.md").read_text().splitlines() if line.startswith("       ")]
    wanted = [line for line in commands if not re.search(r"event_scheduler|check --analyze|database\.sql", line)]
    word = "mariadb" if server.kind == "mariadb" else "mysql"
    script = "\n".join(wanted)
    script = re.sub(rf"(^|\| ){word} ", rf"\1{client} --defaults-file={login} ", script, flags=re.MULTILINE)
    done = subprocess.run(["bash", "-e", "-c", script], cwd=folder, capture_output=True, text=True)
    login.unlink()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("jobs", "level", "compression"),
    [(1, "content", ""), (2, "archive", ""), (3, "counts", "gzip:6"), (1, "archive", "none"), (2, "content", "zstd:9")],
)
def test_a_backup_restores_by_hand(
    server: MysqlServer, tmp_path: Path, jobs: int, level: str, compression: str
) -> None:
    options = {"jobs": jobs, "inventory": level, "compression": compression}
    made = support.run(mysql.target(server, "bank", **options), tmp_path)
    assert (made.method.format, made.method.jobs) == ("sql" if jobs == 1 else "sql-parts", jobs)
    assert made.method.compression == (compression or "zstd:1")
    assert (made.engine.name, made.engine.server_version) == (server.kind, server.version)
    assert made.engine.database == "bank"
    assert made.engine.server_id
    support.only(tmp_path, made)
    support.verified(tmp_path)
    by_hand(server, tmp_path, made)
    try:
        found = mysql.contents(server, "restored")
        for name, content in mysql.expected(made).items():
            assert content.rows == found[name].rows
            if level == "content":
                assert comparable(content.digest, found[name].digest)
            if content.digest:
                assert content.digest == found[name].digest
        assert server.execute("SELECT `one`()", database="restored") == [(1,)]
        assert server.execute("SELECT s FROM total", database="restored") == [(2_000_000,)]
    finally:
        server.drop_database("restored")


def test_the_archive_says_what_the_manifest_does(server: MysqlServer, tmp_path: Path) -> None:
    made = support.run(mysql.target(server, "bank", jobs=2, inventory="archive"), tmp_path)
    folder = tmp_path / made.target / made.id / f"backup_{made.id}"
    found = app.archive_engine(made.engine.name).verify_archive(made, folder, Silent())
    assert {name: content for (_, name), content in found.items()} == mysql.expected(made)


@pytest.mark.parametrize("jobs", [1, 2])
def test_either_scheme_reaches_either_product(server: MysqlServer, tmp_path: Path, jobs: int) -> None:
    other = {"mysql": "mariadb", "mariadb": "mysql"}[server.kind]
    url = server.url("bank").replace(f"{server.kind}:", f"{other}:")
    made = support.run(support.target(url, bindir=server.bindir, jobs=jobs, inventory="counts"), tmp_path)
    assert made.engine.name == server.kind


def test_an_empty_database(server: MysqlServer, tmp_path: Path) -> None:
    server.create_database("empty")
    for jobs in (1, 2):
        made = support.run(mysql.target(server, "empty", jobs=jobs), tmp_path)
        assert made.inventory.tables == ()
        support.verified(tmp_path)
    server.drop_database("empty")


def test_a_database_that_is_not_there(server: MysqlServer, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="no such") as caught:
        support.run(mysql.target(server, "no such"), tmp_path)
    assert getattr(caught.value, "exit_code", None) == 4


def test_verify_says_of_which_tables_it_only_counts_the_rows(server: MysqlServer, tmp_path: Path) -> None:
    """A dump is UTF-8; a digest is taken of the bytes that the server has."""
    server.create_database("old", "CHARACTER SET latin2")
    server.execute(
        "CREATE TABLE told (id INT PRIMARY KEY, note VARCHAR(9) CHARACTER SET utf8mb4)",
        "CREATE TABLE counted (id INT PRIMARY KEY, note VARCHAR(9))",
        "CREATE TABLE bare (id INT PRIMARY KEY, note VARCHAR(9))",
        "CREATE TABLE western (id INT PRIMARY KEY, note VARCHAR(9) CHARACTER SET latin1)",
        "INSERT INTO told VALUES (1, 'é')",
        "INSERT INTO western VALUES (1, 'é€')",
        "INSERT INTO counted VALUES (1, 'é')",
        database="old",
    )
    support.run(mysql.target(server, "old", inventory="content"), tmp_path)
    (said,) = support.verified(tmp_path).not_evaluated
    assert said.id == "archive-content"
    assert "counted" in said.reason.split(": ")[1]
    assert "told" not in said.reason
    assert "western" not in said.reason  # its text is turned back into the bytes that are stored
    assert "bare" not in said.reason
    server.drop_database("old")


@pytest.mark.parametrize("level", ["counts", "archive", "content"])
def test_tables_of_which_an_archive_holds_less_or_more_are_verified(
    server: MysqlServer, tmp_path: Path, level: str
) -> None:
    """A dump defines tables whose rows are elsewhere; MariaDB's has the period of rows without their history, where
    one table keeps transaction ids."""
    server.create_database("apart")
    server.execute("CREATE TABLE part (a INT) ENGINE=MyISAM", "INSERT INTO part VALUES (1)", database="apart")
    server.execute("CREATE TABLE united (a INT) ENGINE=MRG_MyISAM UNION=(part)", database="apart")
    if server.kind == "mariadb":
        period = "GENERATED ALWAYS AS ROW START, e {0} GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)"
        for name, kind in (("at_times", "TIMESTAMP(6)"), ("by_ids", "BIGINT UNSIGNED")):
            columns = f"a INT PRIMARY KEY, b INT, s {kind} {period.format(kind)}"
            server.execute(
                f"CREATE TABLE {name} ({columns}) WITH SYSTEM VERSIONING ENGINE=InnoDB",
                *(f"INSERT INTO {name} (a, b) VALUES (1, 1), (2, 2)", f"UPDATE {name} SET b = 3"),
                database="apart",
            )
    support.run(mysql.target(server, "apart", inventory=level), tmp_path)
    report = support.verified(tmp_path)
    assert [finding for finding in report.findings if finding.severity is Severity.ERROR] == []
    assert report.not_evaluated == ()
    server.drop_database("apart")


# --- B06: which program -----------------------------------------------------------------------------------------------


def test_the_other_products_program_is_refused(server: MysqlServer, tmp_path: Path) -> None:
    other = installation("mysql9.7" if server.kind == "mariadb" else "mariadb10.11")
    with pytest.raises(PreflightError, match="found: ") as caught:
        support.run(support.target(server.url("bank"), bindir=other.bindir), tmp_path)
    assert caught.value.kind == "tool-missing"
    assert not list(tmp_path.iterdir())


def test_an_older_program_is_refused(server: MysqlServer, tmp_path: Path) -> None:
    says = (
        "mysqldump  Ver 8.0.43 for Linux" if server.kind == "mysql" else "mariadb-dump from 10.6.2-MariaDB, client 10"
    )
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "mysqldump").write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / "mysqldump").chmod(0o755)
    with pytest.raises(PreflightError, match="of that series or newer") as caught:
        support.run(support.target(server.url("bank"), bindir=folder), tmp_path / "store")
    assert caught.value.kind == "tool-too-old"


# --- B10 to B12, B19: what a dump spoils ------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_bytes_text_and_names_come_through(server: MysqlServer, tmp_path: Path, jobs: int) -> None:
    """Every byte in a binary column, characters of four bytes in text, and names of all kinds."""
    server.create_database(NAMES["quotes"], "CHARACTER SET utf8mb4")
    every = bytes(range(256))
    with contextlib.closing(server.connect(NAMES["quotes"])) as connection, connection.cursor() as cursor:
        for number, name in enumerate(NAMES.values()):
            column = quoted(name)
            cursor.execute(
                f"CREATE TABLE {quoted(name)} ({column} INT PRIMARY KEY, b LONGBLOB, t TEXT, v VARBINARY(9))"
            )
            text = f"{name} 😀 \t\n\r\0'\"\\"
            into = f"INSERT INTO {quoted(name)}".replace("%", "%%")
            cursor.execute(f"{into} VALUES (%s, %s, %s, %s)", (number, every, text, b"\xff\x00'"))
            cursor.execute(f"CREATE VIEW {quoted(f'v{number} ' + name[:50])} AS SELECT {column} FROM {quoted(name)}")
    chosen = mysql.target(server, NAMES["quotes"], jobs=jobs, inventory="content")
    made = support.run(chosen, tmp_path)
    assert {table.name for table in made.inventory.tables} == set(NAMES.values())
    support.verified(tmp_path)
    mysql.load(server, tmp_path, made, "copy")
    try:
        assert mysql.contents(server, "copy") == mysql.expected(made)
    finally:
        server.drop_database("copy")
        server.drop_database(NAMES["quotes"])


def test_what_the_program_prints_short_is_no_corruption_and_is_named(server: MysqlServer, tmp_path: Path) -> None:
    """B11: a FLOAT loses digits in the dump, so its archive has no digest, and the backup says why."""
    server.create_database("short")
    server.execute("CREATE TABLE f (x FLOAT)", "INSERT INTO f VALUES (5592405.5)", database="short")
    made = support.run(mysql.target(server, "short"), tmp_path)
    assert [(f.id, f.subject.split(".")[0]) for f in made.findings] == [("float-column", "f")]
    server.drop_database("short")


def test_tables_outside_of_the_snapshot_are_named(server: MysqlServer, tmp_path: Path) -> None:
    """B12"""
    server.create_database("isam")
    server.execute("CREATE TABLE m (a INT) ENGINE=MyISAM", "INSERT INTO m VALUES (1)", database="isam")
    made = support.run(mysql.target(server, "isam"), tmp_path)
    assert [f.subject for f in made.findings if f.severity is Severity.WARNING] == ["m"]
    server.drop_database("isam")


def test_the_user_of_the_readme_backs_up_everything(server: MysqlServer, tmp_path: Path) -> None:
    """In one moment, without a word of what it may not see."""
    text = (support.ROOT / "README.md").read_text().partition("<!-- mysql-user -->")[2].partition("```sql")[2]
    lines = [line.partition("--") for line in text.partition("```")[0].splitlines() if line.startswith("GRANT")]
    other = {"mysql": "MariaDB", "mariadb": "MySQL"}[server.kind]
    grants = [re.sub(r"^GRANT | TO backup;", "", line).strip() for line, _, of in lines if of.strip() != other]
    assert len(grants) == 3
    with mysql.user(server, *(grant.replace("shop.", "bank.") for grant in grants)) as login:
        made = support.run(mysql.target(server, "bank", **login), tmp_path)
    assert made.inventory.basis == "snapshot"
    assert [finding for finding in made.findings if finding.severity is not Severity.INFO] == []
    assert {"grant", "routine", "trigger", "event", "view"} <= made.inventory.objects.keys()


def test_the_plan_holds_no_secret(server: MysqlServer) -> None:
    engine = app.open_engine(Target(url=mysql.target(server, "bank").url, bindir=server.bindir))
    plan = engine.plan_dump(engine.server(), jobs=2)
    assert server.password not in " ".join(plan.argv)
    assert server.password not in repr(engine.__dict__)
