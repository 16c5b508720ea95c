"""`drill`: what it proves, how its failures are told apart, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from dbops import app
from dbops.config import Argv, DrillConfig, Invariant, Policy, Seconds
from dbops.evidence import Match
from dbops.model import Extension, Failure, Manifest, Report, Severity, Verdict
from dbops.ops.drill import RTO_PHASES
from tests.foreign_dumps import drill as drill_dump
from tests.foreign_dumps import errors
from tests.mutations.workshop import Workshop, wrong
from tests.restoring import DBOPS, ROOT, Backed, changed, databases, until, way_in
from tests.servers import Cluster


@pytest.fixture(scope="module")
def workshop(pg_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    made = Workshop(pg_server, Path(tmp_path_factory.mktemp("workshop")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def good(workshop: Workshop) -> Backed:
    return workshop.backup()


@pytest.fixture(scope="module")
def empty_server(pg_server: Cluster) -> Iterator[Cluster]:
    """A server that holds nothing of anybody's: the commands restore into no other."""
    with Cluster(pg_server.installation) as cluster:
        yield cluster


def _with(backed: Backed, **settings: Any) -> Backed:
    return backed._replace(target=msgspec.structs.replace(backed.target, **settings))


def _ids(report: Report) -> set[str]:
    return {finding.id for finding in report.findings}


# -- what it proves --------------------------------------------------------------------------------------------------


def test_a_good_backup_is_proved_with_figures(workshop: Workshop, good: Backed) -> None:
    before = databases(workshop.cluster)
    report = workshop.drill(good)
    assert (report.verdict, report.failure, wrong(report)) == (Verdict.PASS, Failure.NONE, [])
    evidence = report.evidence
    assert evidence is not None
    assert tuple(report.phases) == RTO_PHASES
    assert evidence.rto_seconds == pytest.approx(sum(report.phases.values()))
    assert {table.match for table in evidence.tables} == {Match.EQUAL}
    assert all(table.rows == table.copy_rows and table.digest == table.copy_digest for table in evidence.tables)
    assert len(evidence.tables) == len(good.manifest.inventory.tables)
    assert all(count.source == count.copy and count.different == 0 for count in evidence.objects)
    assert {probe.id for probe in evidence.probes} >= {"insert", "foreign-keys", "constraints", "indexes", "views"}
    assert all(probe.found == 0 for probe in evidence.probes)
    assert evidence.sandbox is not None
    assert evidence.sandbox.teardown == "removed"
    assert databases(workshop.cluster) == before
    records = good.catalog.records.of("shop", good.manifest.id)
    assert any((record.task, record.verdict) == ("drill", Verdict.PASS) for record in records)


def test_the_schema_public_of_a_version_before_15(workshop: Workshop) -> None:
    """As pg_dump 15 and later write it out: an owner and rights that no inventory of such a server names."""
    with workshop.changed_copy(
        "ALTER SCHEMA public OWNER TO postgres; GRANT CREATE ON SCHEMA public TO PUBLIC"
    ) as copy:
        backed = workshop.backup(copy)
    inventory = backed.manifest.inventory
    objects = {
        kind: tuple(item for item in items if item.name != "schema public") for kind, items in inventory.objects.items()
    }
    assert objects != inventory.objects
    old = msgspec.structs.replace(
        backed.manifest,
        engine=msgspec.structs.replace(backed.manifest.engine, server_version="14.20", series="14"),
        inventory=msgspec.structs.replace(inventory, objects=objects),
    )
    report = workshop.drill(backed, old)
    assert (report.verdict, wrong(report)) == (Verdict.PASS, [])
    assert {"owner-default", "grant-default"} <= {item.id for item in report.not_evaluated}


def test_invariants_and_the_smoke_command(workshop: Workshop, good: Backed, tmp_path: Path) -> None:
    script = tmp_path / "smoke.py"
    script.write_text(
        "import os, sys, psycopg\n"
        "found = psycopg.connect(os.environ['DATABASE_URL']).execute('select count(*) from invoices').fetchone()[0]\n"
        "print(os.environ['DATABASE_URL'])\n"
        "sys.exit(0 if found == int(sys.argv[1]) else 7)\n"
    )

    def smoke(count: int) -> DrillConfig:
        return DrillConfig(smoke=Argv((DBOPS[0], str(script), str(count))))

    holds = Invariant(name="no negative total", sql="select count(*) from invoices where total < 0")
    fails = Invariant(name="many customers", sql="select count(*) from customers", equals=301)
    broken = Invariant(name="no such table", sql="select count(*) from nowhere")
    writes = Invariant(name="writes", sql="delete from invoices returning 0")
    passed = workshop.drill(_with(good, invariants=(holds,), drill=smoke(2000)))
    assert (passed.verdict, wrong(passed)) == (Verdict.PASS, [])
    failed = workshop.drill(_with(good, invariants=(holds, fails, broken, writes), drill=smoke(1)))
    assert failed.failure is Failure.BAD_BACKUP
    subjects = [finding.subject for finding in wrong(failed) if finding.id == "invariant"]
    assert subjects == ["many customers", "no such table", "writes"]
    (finding,) = [finding for finding in wrong(failed) if finding.id == "smoke"]
    assert "status 7" in finding.actual
    assert workshop.sandbox.password not in str(failed)


_ASKS = """
CREATE FUNCTION public.asks(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN
    IF current_query() LIKE '%CREATE INDEX%'
       AND (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path') = '' THEN
        RAISE EXCEPTION 'the session began with an empty search path';
    END IF;
    RETURN $1;
END$$;
CREATE INDEX ON public.customers (public.asks(id));
"""


@pytest.mark.parametrize("own", [True, False], ids=["a backup", "a plain dump"])
def test_what_is_loaded_finds_the_usual_search_path(workshop: Workshop, tmp_path: Path, own: bool) -> None:
    """Extensions' scripts append to what a session began with (postgis_topology): an empty one breaks them."""
    with workshop.changed_copy(_ASKS) as source:
        if own:
            report = workshop.drill(workshop.backup(source))
            assert (report.verdict, wrong(report)) == (Verdict.PASS, []), report.not_evaluated
            return
        path = tmp_path / "shop.sql"
        tool = workshop.cluster.installation.tool("pg_dump")
        subprocess.run([tool, "-d", source.socket_url, "-f", str(path)], check=True)
        with Cluster(workshop.cluster.installation) as empty:
            assert errors(drill_dump(path, empty)) == []


def test_what_pg_dump_leaves_out_of_an_extension_is_its_limit(workshop: Workshop, good: Backed) -> None:
    """No backup could hold it: `topology_id_seq` of PostGIS is such a sequence."""
    script = "ALTER EXTENSION citext ADD SEQUENCE customers_id_seq; SELECT setval('customers_id_seq', 5)"
    (behind,) = [f for f in workshop.drill_mutated_copy(good, script).findings if f.id == "sequence-behind"]
    assert (behind.severity, "citext" in behind.actual) == (Severity.WARNING, True)


def test_a_migration_head_that_is_not_the_sources(workshop: Workshop, good: Backed) -> None:
    manifest = msgspec.structs.replace(
        good.manifest, migration=msgspec.structs.replace(good.manifest.migration, heads=("abc",))
    )
    report = workshop.drill(good, manifest)
    assert [finding.id for finding in wrong(report)] == ["migration-head"]


# -- four kinds of failure -------------------------------------------------------------------------------------------


def test_over_its_rto_or_rpo_is_no_bad_backup(workshop: Workshop, good: Backed) -> None:
    policy = Policy(rto=Seconds(0.001), rpo=Seconds(0.001))
    report = workshop.drill(_with(good, policy=policy))
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.OVER_TARGET)
    assert {f.id for f in report.findings if f.severity is Severity.OVER_TARGET} == {"rto", "rpo"}
    assert wrong(report) == []


def test_within_both(workshop: Workshop, good: Backed) -> None:
    policy = Policy(rto=Seconds(3600), rpo=Seconds(timedelta(days=1).total_seconds()))
    assert workshop.drill(_with(good, policy=policy)).verdict is Verdict.PASS


def test_what_the_environment_lacks_is_named(workshop: Workshop, good: Backed) -> None:
    exotic = Extension(name="no_such_extension", version="1.0", schema="public")
    manifest = changed(good.manifest, extensions=(*good.manifest.inventory.extensions, exotic))
    report = workshop.drill(good, manifest)
    assert (report.verdict, report.failure, wrong(report)) == (Verdict.INCONCLUSIVE, Failure.ENVIRONMENT, [])
    assert "no_such_extension" in report.not_evaluated[-1].reason


def test_a_server_that_dies_is_not_a_bad_backup(new_cluster: Any, workshop: Workshop, good: Backed) -> None:
    doomed: Cluster = new_cluster()
    report = workshop.on(doomed).drill_changed(good, lambda _: doomed.kill())
    assert (report.verdict, report.failure, wrong(report)) == (Verdict.INCONCLUSIVE, Failure.BROKEN, [])


def test_no_record_is_lost_in_a_store_that_may_only_be_read(workshop: Workshop, tmp_path: Path) -> None:
    backed = workshop.backup()
    folder = Path(backed.catalog.store.url.removeprefix("file://"))
    if os.geteuid() == 0:
        (folder / "shop" / backed.manifest.id / "drills").touch()  # a file where the folder should be
    else:
        (folder / "shop" / backed.manifest.id).chmod(0o500)
    report = workshop.drill(backed)
    assert report.verdict is Verdict.PASS
    assert "record-not-kept" in _ids(report)


# -- the command -----------------------------------------------------------------------------------------------------


def _run(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DBOPS, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_command_writes_what_it_is_asked_for(empty_server: Cluster, good: Backed, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    done = _run(
        "drill",
        f"--store={good.catalog.store.url}",
        f"--sandbox={empty_server.url()}",
        "--html=out/report.html",
        "--junit=out/junit.xml",
        "--json=out/report.json",
        folder=tmp_path,
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert empty_server.password not in done.stdout + done.stderr
    found = msgspec.json.decode((tmp_path / "out/report.json").read_bytes())
    assert "drill" in json.dumps(found)
    assert (tmp_path / "out/report.html").read_text().lower().startswith("<!doctype html>")
    assert (tmp_path / "out/junit.xml").read_text().startswith("<?xml")
    assert "PASS" in summary.read_text()


def test_all_targets_and_samples(workshop: Workshop, empty_server: Cluster, tmp_path: Path) -> None:
    backed = workshop.backup()
    older = backed.manifest
    until_next_second(older)
    app_backup(backed)
    done = _run(
        "drill",
        f"--store={backed.catalog.store.url}",
        f"--sandbox={empty_server.url()}",
        "--all",
        "--sample=older=1",
        "--json",
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [item["verdict"] for item in report["provenance"]["backups"]] == ["PASS", "PASS"]
    assert report["provenance"]["backups"][1]["id"] == older.id


def test_a_target_without_a_backup_does_not_keep_the_others_from_being_drilled(
    good: Backed, empty_server: Cluster, tmp_path: Path
) -> None:
    settings = [f'[targets.{name}]\nurl = "postgresql://nobody@127.0.0.1:1/x"\n' for name in ("nothing", "shop")]
    (tmp_path / "dbops.toml").write_text(f'[store]\nurl = "{good.catalog.store.url}"\n' + "".join(settings))
    flags = ["--all", "--sample=older=1", f"--sandbox={empty_server.url()}", "--json", "--html=report.html"]
    done = _run("drill", *flags, folder=tmp_path)
    assert done.returncode == 5, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert [(item["target"], item["verdict"]) for item in report["provenance"]["backups"]] == [
        ("nothing", "INCONCLUSIVE"),
        ("shop", "PASS"),
    ]
    assert "nothing: " in report["not_evaluated"][-1]["reason"]
    assert "shop has 0 older than" in done.stderr
    assert (tmp_path / "report.html").is_file()


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--sandbox=nonsense"], 2, "container"),
        (["--sample=newest"], 2, "older=1"),
        (["--backup=2001"], 2, "no backup"),
        (["--target=nobody"], 2, "nobody"),
    ],
)
def test_mistakes_are_explained(good: Backed, tmp_path: Path, flags: list[str], code: int, words: str) -> None:
    done = _run("drill", f"--store={good.catalog.store.url}", *flags, folder=tmp_path)
    assert (done.returncode, words in done.stderr) == (code, True), done.stdout + done.stderr


def test_an_empty_store_is_inconclusive(tmp_path: Path, tmp_store: str) -> None:
    assert _run("drill", f"--store={tmp_store}", folder=tmp_path).returncode == 5


def until_next_second(manifest: Manifest) -> None:
    """An id is a second: the next backup must have another."""
    while app.now() < manifest.started_at.replace(microsecond=0) + timedelta(seconds=1):
        time.sleep(0.01)


def app_backup(backed: Backed) -> None:
    from dbops.ops.backup import backup
    from dbops.progress import Silent

    backup(app.open_engine(backed.target), backed.catalog, backed.target, clock=app.now, progress=Silent())


def test_a_kept_copy_stays_until_it_is_ended(empty_server: Cluster, good: Backed, tmp_path: Path) -> None:
    done = _run(
        "drill",
        f"--store={good.catalog.store.url}",
        f"--sandbox={empty_server.url()}",
        "--keep",
        "--json",
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert empty_server.password not in done.stdout + done.stderr
    report = json.loads(done.stdout)
    url, holder = way_in(report)
    assert url.stat().st_mode & 0o077 == 0
    with psycopg.connect(url.read_text().strip()) as connection:
        assert connection.execute("SELECT count(*) FROM invoices").fetchone() == (2000,)
    os.kill(holder, signal.SIGTERM)
    until(lambda: databases(empty_server) == {"postgres", "template0", "template1"} and not url.exists())


def test_nothing_is_kept_of_a_drill_that_did_not_restore(good: Backed, tmp_path: Path) -> None:
    done = _run(
        "drill", f"--store={good.catalog.store.url}", "--sandbox=postgresql://127.0.0.1:1/x", "--keep", folder=tmp_path
    )
    assert done.returncode == 5, done.stdout + done.stderr
    assert "kept" not in done.stdout
