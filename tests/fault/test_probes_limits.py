"""A closer look that cannot be had in full: not evaluated, with the reason; it never hangs, nor hides a loss."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.examine import examine, run
from dbops.errors import DatabaseError
from dbops.model import NotEvaluated
from dbops.progress import Silent
from tests.probing import examined, told, tried
from tests.servers import Cluster, Database
from tests.unit.samples import a_manifest

SLOW = """
CREATE FUNCTION slow(int) RETURNS bool LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep($1); RETURN true; END$$;
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(60); RETURN NEW; END$$;
CREATE TABLE checked (a int); INSERT INTO checked VALUES (60);
ALTER TABLE checked ADD CHECK (slow(a)) NOT VALID;
CREATE TABLE fires (id serial, a int); INSERT INTO fires (a) VALUES (1);
CREATE TRIGGER slow BEFORE INSERT ON fires FOR EACH ROW EXECUTE FUNCTION slow();
CREATE TABLE quick (id serial); INSERT INTO quick DEFAULT VALUES;
"""


def _about(probed_reasons: tuple[NotEvaluated, ...], kind: str) -> list[str]:
    return [each.reason for each in probed_reasons if each.id == kind]


def test_what_takes_too_long_is_not_evaluated(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    database.psql(SLOW)
    monkeypatch.setitem(run._SETTINGS, "statement_timeout", "500ms")
    start = time.monotonic()
    probed = examined(database, jobs=1)
    assert time.monotonic() - start < 20
    assert probed.findings == ()
    assert _about(probed.not_evaluated, "insert") == ["it took longer than 600 seconds: public.fires"]
    assert _about(probed.not_evaluated, "constraints") == ["it took longer than 600 seconds: public.checked"]
    assert tried(probed, "insert") == 1


def test_a_lock_that_is_not_granted(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    database.psql("CREATE TABLE t (id serial PRIMARY KEY, a int CHECK (a > 0)); INSERT INTO t (a) VALUES (1)")
    monkeypatch.setitem(run._SETTINGS, "lock_timeout", "200ms")
    with database.connect() as other, other.transaction():
        other.execute("LOCK TABLE t IN EXCLUSIVE MODE")
        probed = examined(database)
        assert _about(probed.not_evaluated, "insert") == ["a lock was not granted in 30 seconds: public.t"]
        assert tried(probed, "constraints") > 0
        other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        probed = examined(database)
    assert probed.findings == ()
    for kind in ("insert", "constraints", "indexes"):
        [reason] = _about(probed.not_evaluated, kind)
        assert reason.startswith("a lock was not granted in 30 seconds: ")


def test_an_expression_that_fails_spoils_no_other(database: Database) -> None:
    database.psql(
        "CREATE TABLE t (a int, b int); INSERT INTO t VALUES (0, -1);"
        "ALTER TABLE t ADD CONSTRAINT divides CHECK (1 / a > 0) NOT VALID, ADD CONSTRAINT b CHECK (b > 0) NOT VALID"
    )
    probed = examined(database)
    assert [finding.subject for finding in probed.findings] == ["b ON public.t"]
    assert _about(probed.not_evaluated, "constraints") == [
        "its evaluation fails: division by zero: divides ON public.t"
    ]


def test_a_plain_role(any_database: Database) -> None:
    cluster = any_database.cluster
    cluster.psql("CREATE ROLE plain LOGIN PASSWORD 'p'")
    try:
        any_database.psql(
            "CREATE TABLE mine (id serial PRIMARY KEY, email text UNIQUE); INSERT INTO mine (email) VALUES ('a');"
            "CREATE TABLE sealed (id serial PRIMARY KEY, a int CHECK (a > 0)); CREATE VIEW v AS SELECT * FROM sealed;"
            "CREATE TABLE free (id serial PRIMARY KEY, a int); ALTER TABLE free OWNER TO plain;"
            "ALTER TABLE mine OWNER TO plain"
        )
        access = Access(cluster.url(any_database.name, user="plain", password="p"))
        probed = examine(access, a_manifest(), 2, Silent())
        assert probed.findings == ()
        assert _about(probed.not_evaluated, "insert") == ["this role lacks the right: public.mine, public.sealed"]
        assert _about(probed.not_evaluated, "views") == ["this role lacks the right: public.v"]
        assert _about(probed.not_evaluated, "indexes") == [
            "needs the extension amcheck, and only a superuser may install it"
        ]
        assert tried(probed, "insert") == 1
        any_database.psql("SELECT setval('mine_id_seq', 1, false); TRUNCATE mine; INSERT INTO mine VALUES (1, NULL)")
        assert [finding.subject for finding in told(examine(access, a_manifest(), 2, Silent()))] == ["public.mine"]
    finally:
        any_database.psql("REASSIGN OWNED BY plain TO postgres; DROP ROLE plain")


def test_a_server_without_amcheck(new_cluster: Callable[..., Cluster]) -> None:
    cluster = new_cluster(18, settings={"extension_control_path": "/nonexistent"})
    cluster.create_database("bare")
    database = Database(cluster, "bare")
    database.psql(
        "CREATE TABLE t (a int); CREATE UNIQUE INDEX u ON t (a); SET allow_system_table_mods = on;"
        "UPDATE pg_index SET indisunique = false WHERE indexrelid = 'u'::regclass; INSERT INTO t VALUES (1);"
        "INSERT INTO t VALUES (1), (NULL), (NULL);"
        "UPDATE pg_index SET indisunique = true WHERE indexrelid = 'u'::regclass"
    )
    probed = examined(database)
    assert _about(probed.not_evaluated, "indexes") == [
        "needs the extension amcheck, and the server lacks it: install postgresql-contrib"
    ]
    [finding] = probed.findings  # duplicates are then looked for in the rows
    assert (finding.id, finding.subject) == ("not-unique", "u ON public.t")
    assert finding.actual == "1 are there more than once: a=1"


def test_an_amcheck_that_is_there_is_used_and_stays(any_database: Database) -> None:
    any_database.psql('CREATE SCHEMA "my %s"; CREATE EXTENSION amcheck SCHEMA "my %s"; CREATE TABLE t (id serial)')
    probed = examined(any_database)
    assert tried(probed, "indexes") > 100
    extensions = "SELECT extname, extnamespace::regnamespace FROM pg_extension ORDER BY 1"
    assert any_database.psql(extensions) == 'amcheck|"my %s"\nplpgsql|pg_catalog\n'


class Losing(Silent):
    """Ends all of our sessions at the first table that is inserted into, or the first index that is read."""

    def __init__(self, database: Database, kind: str) -> None:
        self._database = database
        self._kind = kind

    def item(self, name: str) -> None:
        if name.startswith(self._kind):
            self._database.psql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dbops drill'"
            )


@pytest.mark.parametrize("kind", ["insert", "indexes", "constraints"])
def test_a_lost_session_is_no_verdict(database: Database, kind: str) -> None:
    database.psql("CREATE TABLE t (id serial PRIMARY KEY)")
    with pytest.raises(DatabaseError):
        examine(Access(database.url), a_manifest(), 2, Losing(database, kind))


class Counting(Silent):
    """How many sessions there are at once, at the most."""

    most = 0

    def __init__(self, database: Database) -> None:
        self._database = database

    def item(self, name: str) -> None:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'dbops%'"
        self.most = max(self.most, int(self._database.psql(query)))


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_more_sessions_than_jobs_and_one_that_waits(database: Database, jobs: int) -> None:
    database.psql("CREATE TABLE t (id serial PRIMARY KEY)")
    counting = Counting(database)
    examine(Access(database.url), a_manifest(), jobs, counting)
    assert counting.most <= jobs + 1


def test_a_damaged_page_is_named(new_cluster: Callable[..., Cluster]) -> None:
    cluster = new_cluster()
    cluster.create_database("hurt")
    database = Database(cluster, "hurt")
    database.psql("CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 5000); CREATE INDEX i ON t (id)")
    files = [cluster.data / database.psql(f"SELECT pg_relation_filepath('{name}')").strip() for name in ("t", "i")]
    cluster.stop()
    for path, place in zip(files, (8192 + 8100, 8192 * 2 + 4000), strict=True):
        with path.open("r+b") as file:
            file.seek(place)
            file.write(b"\xff" * 64)
    cluster.start()
    found = {(finding.id, finding.subject) for finding in told(examined(database))}
    assert {("heap-corrupt", "public.t"), ("index-corrupt", "public.i of public.t")} <= found
