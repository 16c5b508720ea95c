"""The whole way on the command line, for each product: backup to restore; what it prints, writes and leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from dbops.config.urls import Secret
from dbops.engine.mysql import zones
from dbops.model import Severity, Verdict
from tests.mutations.bench import RunningServer, drill_on, wrong
from tests.mutations.mysql.workshop import NAME, Workshop
from tests.mysql_installations import IMAGES as IMAGES_OF_TESTS
from tests.mysql_restoring import DBOPS, ROOT, Backed, contents, databases, until
from tests.mysql_servers import MysqlServer, installation, servers
from tests.sandboxes import our_containers

IMAGES = {"DBOPS_MYSQL_IMAGE": "dbops-test/mysql:{version}", "DBOPS_MARIADB_IMAGE": "dbops-test/mariadb:{version}"}
SYSTEM = {"mysql", "sys", "information_schema", "performance_schema"}
OF_POSTGRES = re.compile(
    r"postgres|psql|pg_\w+|\bpublic\.|\bextensions?\b|\bVACUUM\b|\bWAL\b|large objects?|\bheap\b", re.I
)
"""Words that mean nothing to whoever runs MySQL or MariaDB."""


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        yield running


@pytest.fixture(scope="module")
def empty_server(server: MysqlServer) -> Iterator[MysqlServer]:
    """A server that holds nothing of anybody's: the commands restore into no other."""
    with MysqlServer(server.installation) as running:
        yield running


@pytest.fixture(scope="module")
def workshop(server: MysqlServer, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(server, Path(tmp_path_factory.mktemp("workshop")))


@pytest.fixture(scope="module")
def good(workshop: Workshop) -> Backed:
    return workshop.backup()


def run(server: MysqlServer, folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{server.bindir}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [*DBOPS, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": path, **IMAGES, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
    )


def said(done: subprocess.CompletedProcess[str], code: int, *secrets: str) -> str:
    """What the command printed: its status is right, no secret is in it, and no word of another product."""
    text = done.stdout + done.stderr
    assert done.returncode == code, text
    assert not any(secret in text for secret in secrets)
    assert not (found := _foreign(text)), (found, text)
    return done.stdout


def written(path: Path) -> str:
    """What a report says, with no word of another product in it."""
    text = path.read_text()
    assert not (found := _foreign(text)), found
    return text


def _foreign(text: str) -> list[str]:
    """But for names of fields in JSON, which are the same for all products, and the look of a page."""
    text = re.sub(r"<(style|script).*?</\1>", "", text, flags=re.DOTALL)
    return [text[max(0, m.start() - 60) : m.end() + 60] for m in OF_POSTGRES.finditer(re.sub(r'"\w+":', "", text))]


def configure(server: MysqlServer, folder: Path, store: str, **settings: Any) -> None:
    lines = [f"[store]\nurl = {store!r}\n[targets.shop]\nurl = {server.url(NAME)!r}"]
    lines += [f"{key} = {value!r}" for key, value in settings.items()]
    file = folder / "dbops.toml"
    file.write_text("\n".join(lines) + "\n")
    file.chmod(0o600)


# -- the whole way ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("jobs", "level"), [(1, "archive"), (2, "content")])
def test_from_backup_to_restore(
    workshop: Workshop, empty_server: MysqlServer, tmp_path: Path, tmp_store: str, jobs: int, level: str
) -> None:
    server = workshop.server
    before = databases(empty_server)
    with workshop.source():
        held = contents(server, NAME)
        configure(server, tmp_path, tmp_store, jobs=jobs, inventory=level)
        manifest = json.loads(said(run(server, tmp_path, "backup", "--json"), 0, server.password))
        assert (manifest["engine"]["name"], manifest["inventory"]["level"]) == (server.kind, level)
        assert "parts" in manifest["method"]["format"] or jobs == 1
        said(run(server, tmp_path, "backups"), 0)
        said(run(server, tmp_path, "verify", "--json"), 0, server.password)
        flags = (f"--sandbox={empty_server.url()}", "--html=out/r.html", "--junit=out/r.xml", "--json=out/r.json")
        said(run(server, tmp_path, "drill", *flags), 0, server.password, empty_server.password)
        report = json.loads(written(tmp_path / "out/r.json"))
        assert report["verdict"] == "PASS"
        assert written(tmp_path / "out/r.html").lower().startswith("<!doctype html>")
        assert ET.parse(tmp_path / "out/r.xml").getroot().find("testsuite") is not None
        written(tmp_path / "out/r.xml")
        assert databases(empty_server) == before
        server.execute("DELETE FROM events", "DROP VIEW owned", database=NAME)
        assert contents(server, NAME) != held
        restored = json.loads(said(run(server, tmp_path, "restore", "--yes", "--json"), 0, server.password))
        assert restored["verdict"] == "PASS"
        assert contents(server, NAME) == held
        said(run(server, tmp_path, "restore", "--drop-old", "--yes"), 0)
        assert databases(server) - SYSTEM == {NAME}
        assert not list(tmp_path.glob("out/*.tmp"))


def test_nothing_but_a_url_and_a_store(workshop: Workshop, tmp_path: Path, tmp_store: str) -> None:
    """No configuration: both as flags, for the scheme of either product."""
    server = workshop.server
    other = {"mysql": "mariadb", "mariadb": "mysql"}[server.kind]
    with workshop.source():
        url = server.url(NAME).replace(f"{server.kind}://", f"{other}://", 1)
        for command in (["backup"], ["verify"], ["restore", "--into=elsewhere", "--yes"]):
            said(run(server, tmp_path, *command, f"--url={url}", f"--store={tmp_store}"), 0, server.password)
        assert contents(server, "elsewhere") == contents(server, NAME)
        server.drop_database("elsewhere")
        (manifest,) = Path(tmp_store.removeprefix("file://")).rglob("manifest.json")
        assert json.loads(manifest.read_text())["engine"]["name"] == server.kind


@pytest.fixture(scope="module")
def zoned(workshop: Workshop) -> Backed:
    """A backup that needs a server which knows Madrid's time: silently, for the generated column would be NULL."""
    with workshop.server.connect() as connection:
        zones.provide(connection, "SET time_zone = 'Europe/Madrid'")
    return workshop.backup(
        "SET time_zone = 'Europe/Madrid'; CREATE EVENT zoned ON SCHEDULE EVERY 1 DAY DO DELETE FROM events; "
        "CREATE VIEW there AS SELECT id, CONVERT_TZ(at, '+00:00', 'Europe/Madrid') AS at FROM kinds; "
        "CREATE TABLE clocks (at DATETIME, there DATETIME AS (CONVERT_TZ(at, '+00:00', 'Europe/Madrid')) STORED); "
        "INSERT INTO clocks (at) VALUES ('2026-07-01 12:00:00'), ('2026-12-01 12:00:00')"
    )


@pytest.mark.parametrize("kind", ["local", "container"])
def test_a_sandbox_of_ones_own_is_given_what_the_dump_needs(
    server: MysqlServer, zoned: Backed, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    if kind == "container":
        if server.installation.name not in IMAGES_OF_TESTS:
            pytest.skip("there is no image of it among those of the tests")
        request.getfixturevalue("docker_engine")
    containers = our_containers() if kind == "container" else []
    done = run(server, tmp_path, "drill", f"--store={zoned.catalog.store.url}", f"--sandbox={kind}", "--json")
    report = json.loads(said(done, 0, server.password))
    assert [each["subject"] for each in report["findings"] if each["id"] == "time-zone-given"] == ["Europe/Madrid"]
    about = report["evidence"]["sandbox"]
    assert (about["kind"], about["engine"], about["teardown"]) == (kind, server.kind, "removed"), about
    assert about["version"].startswith(server.installation.series)
    if kind == "container":
        assert our_containers() == containers


# -- what a drill says -----------------------------------------------------------------------------------------------


def test_invariants_and_the_smoke_command(workshop: Workshop, good: Backed, tmp_path: Path) -> None:
    import msgspec

    from dbops.config import Argv, DrillConfig, Invariant

    script = tmp_path / "smoke.py"
    script.write_text("import os, sys\nsys.exit(0 if os.environ['DATABASE_URL'].startswith(sys.argv[1]) else 7)\n")

    def smoke(scheme: str) -> DrillConfig:
        return DrillConfig(smoke=Argv((DBOPS[0], str(script), scheme)))

    holds = Invariant(name="no negative total", sql="select count(*) from invoices where total < 0")
    true = Invariant(name="customers", sql="select count(*) > 0 from customers", equals=True)
    fails = Invariant(name="many customers", sql="select count(*) from customers", equals=301)
    broken = Invariant(name="no such table", sql="select count(*) from nowhere")
    writes = Invariant(name="writes", sql="delete from invoices")

    def with_settings(**settings: Any) -> Backed:
        return good._replace(target=msgspec.structs.replace(good.target, **settings))

    passed = workshop.drill(with_settings(invariants=(holds, true), drill=smoke(workshop.server.kind)))
    assert (passed.verdict, wrong(passed)) == (Verdict.PASS, [])
    failed = workshop.drill(with_settings(invariants=(holds, fails, broken, writes), drill=smoke("nothing")))
    subjects = [finding.subject for finding in wrong(failed) if finding.id == "invariant"]
    assert subjects == ["many customers", "no such table", "writes"]
    (finding,) = [finding for finding in wrong(failed) if finding.id == "smoke"]
    assert "status 7" in finding.actual
    assert workshop.server.password not in str(failed)


def test_a_bad_backup_is_told_with_status_3(
    workshop: Workshop, good: Backed, empty_server: MysqlServer, tmp_path: Path
) -> None:
    bad = workshop.mutated(good, "DELETE FROM events WHERE what = 'event 7'; DROP VIEW owned")
    done = run(
        workshop.server,
        tmp_path,
        "drill",
        f"--store={bad.catalog.store.url}",
        f"--sandbox={empty_server.url()}",
        "--html=r.html",
    )
    text = said(done, 3, empty_server.password)
    assert "events" in text
    assert "owned" in text
    written(tmp_path / "r.html")


HURT = """
SET foreign_key_checks = 0; INSERT INTO invoices (customer_id, total) VALUES (7777, 1); SET foreign_key_checks = 1;
CREATE TABLE flat (id INT PRIMARY KEY, a INT, KEY by_a (a)) ENGINE=MyISAM; INSERT INTO flat VALUES (1, 1);
ALTER TABLE flat DISABLE KEYS;
CREATE TABLE used_up (id TINYINT AUTO_INCREMENT PRIMARY KEY); INSERT INTO used_up VALUES (127);
CREATE USER leaver; GRANT SELECT ON workshop.* TO leaver;
CREATE DEFINER = leaver VIEW left_behind AS SELECT id FROM customers;
CREATE DEFINER = leaver PROCEDURE lost() SELECT 1;
DROP USER leaver;
"""


def test_what_the_source_itself_has_is_told_and_makes_no_bad_backup(workshop: Workshop) -> None:
    """R10, R12: orphans, keys that are switched off, an account that has gone, a counter at its end."""
    try:
        report = workshop.drill(workshop.backup(HURT))
    finally:
        workshop.server.execute("DROP USER IF EXISTS leaver")
    assert (wrong(report), report.verdict) == ([], Verdict.PASS)
    told = {(finding.id, finding.subject) for finding in report.findings if finding.severity is Severity.WARNING}
    assert told >= {
        ("fk-orphans", "invoices_customer ON invoices"),
        ("invalid-index", "by_a of flat"),
        ("sequence-behind", "used_up.id"),
        ("definer-missing", "'leaver'@'%'"),
        ("invalid-view", "left_behind"),
    }


def test_rows_that_violate_a_check_at_the_source_load_and_are_told(workshop: Workshop) -> None:
    """MariaDB takes them with check_constraint_checks off; MySQL does not."""
    if workshop.server.kind != "mariadb":
        return
    wrongs = "CREATE TABLE checked (a INT, CONSTRAINT positive CHECK (a > 0), b INT CHECK (b < 9));"
    wrongs += "SET check_constraint_checks = 0; INSERT INTO checked VALUES (-1, 1), (1, 10);"
    report = workshop.drill(workshop.backup(wrongs))
    assert (wrong(report), report.verdict) == ([], Verdict.PASS)
    assert "constraint-violated" in {f.id for f in report.findings if f.severity is Severity.WARNING}


def test_orphans_that_the_copy_alone_has_make_a_bad_backup(workshop: Workshop, good: Backed) -> None:
    orphan = "SET foreign_key_checks = 0; INSERT INTO invoices (customer_id, total) VALUES (7777, 1)"
    report = workshop.drill_mutated_copy(good, orphan)
    assert ("fk-orphans", "invoices_customer ON invoices") in {(each.id, each.subject) for each in wrong(report)}


def test_a_server_that_dies_is_not_a_bad_backup(server: MysqlServer, good: Backed) -> None:
    with MysqlServer(server.installation) as doomed:
        sandbox = RunningServer(doomed.url, doomed.kind, doomed.version)
        report = drill_on(sandbox, good, change=lambda _: doomed.kill())
    assert (report.verdict, wrong(report)) == (Verdict.INCONCLUSIVE, [])


def test_a_time_zone_that_the_server_does_not_know_is_no_fault_of_the_backup(
    workshop: Workshop, empty_server: MysqlServer
) -> None:
    """Events keep the zone that they were made in; its name means nothing to a server without tables of zones."""
    server = workshop.server
    server.execute(
        "INSERT INTO time_zone (time_zone_id, use_leap_seconds) VALUES (9999, 'N')",
        "INSERT INTO time_zone_name (name, time_zone_id) VALUES ('Test/Somewhere', 9999)",
        "INSERT INTO time_zone_transition_type VALUES (9999, 0, 3600, 0, 'TST')",
        "FLUSH TABLES",
        database="mysql",
    )
    backed = workshop.backup(
        "SET time_zone = 'Test/Somewhere'; CREATE EVENT zoned ON SCHEDULE EVERY 1 DAY DO DELETE FROM events"
    )
    report = drill_on(RunningServer(empty_server.url, empty_server.kind, empty_server.version), backed)
    assert (report.verdict, report.failure, wrong(report)) == (Verdict.INCONCLUSIVE, "environment", []), report
    (lacks,) = [item for item in report.not_evaluated if "time zone" in item.reason]
    assert "Test/Somewhere" in lacks.reason
    # On a server that knows it, it is drilled.
    assert workshop.drill(backed).verdict is Verdict.PASS


def test_a_kept_copy_stays_until_it_is_ended(
    workshop: Workshop, good: Backed, empty_server: MysqlServer, tmp_path: Path
) -> None:
    before = databases(empty_server)
    store = f"--store={good.catalog.store.url}"
    done = run(workshop.server, tmp_path, "drill", store, f"--sandbox={empty_server.url()}", "--keep", "--json")
    report = json.loads(said(done, 0, empty_server.password))
    (hint,) = [finding["hint"] for finding in report["findings"] if finding["id"] == "kept"]
    connect, end = hint.splitlines()
    file = Path(re.search(r"--defaults-file=(\S+)", connect)[1])  # type: ignore[index]
    assert file.stat().st_mode & 0o077 == 0
    login = pymysql.connect(read_default_file=str(file), database=connect.split()[-1])
    with login, login.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM invoices")
        assert cursor.fetchone() == (400,)
    os.kill(int(end.rpartition(" ")[2]), signal.SIGTERM)
    until(lambda: databases(empty_server) == before and not file.exists())


def test_a_server_of_the_other_product_is_refused(good: Backed, server: MysqlServer, tmp_path: Path) -> None:
    name = "mysql9.7" if server.kind == "mariadb" else "mariadb10.11"
    with MysqlServer(installation(name)) as other:
        done = run(server, tmp_path, "drill", f"--store={good.catalog.store.url}", f"--sandbox={other.url()}")
        said(done, 5, other.password)
        assert databases(other) <= SYSTEM


def test_an_unreachable_server_is_inconclusive(good: Backed, server: MysqlServer, tmp_path: Path) -> None:
    url = Secret(f"{server.kind}://nobody@127.0.0.1:1/x").reveal()
    done = run(server, tmp_path, "drill", f"--store={good.catalog.store.url}", f"--sandbox={url}", "--keep")
    assert "kept" not in said(done, 5)
