"""What the source itself had is a warning about the source; what is meant to be so is nothing at all."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import pytest

from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.examine import examine
from dbops.model import Manifest, Severity
from dbops.progress import Silent
from tests.probing import examined, manifest_of, told, tried
from tests.servers import Database

ORPHAN = "SET session_replication_role = replica; INSERT INTO child VALUES (9)"
FAMILY = "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (parent int);"
BROKEN_TRIGGER = """
CREATE TABLE t (id serial PRIMARY KEY, a int); INSERT INTO t (a) VALUES (1);
CREATE TABLE audit (what text);
CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO audit VALUES (1); RETURN NEW; END$$;
CREATE TRIGGER log BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION log();
"""


class Old(NamedTuple):
    """A fault of the source that a restore brings along; `since`: the first version that has such a thing."""

    schema: str
    id: str
    subject: str
    since: int = 13


OLD = {
    "foreign key NOT VALID": Old(
        FAMILY + "INSERT INTO child VALUES (9);"
        "ALTER TABLE child ADD CONSTRAINT k FOREIGN KEY (parent) REFERENCES parent NOT VALID",
        "fk-orphans", "k ON public.child",
    ),
    "check NOT VALID": Old(
        FAMILY + "INSERT INTO child VALUES (9); ALTER TABLE child ADD CONSTRAINT k CHECK (parent < 5) NOT VALID",
        "constraint-violated", "k ON public.child",
    ),
    "not null NOT VALID": Old(
        FAMILY + "INSERT INTO child VALUES (NULL); ALTER TABLE child ADD CONSTRAINT k NOT NULL parent NOT VALID",
        "constraint-violated", "k ON public.child", since=18,
    ),
    "domain NOT VALID": Old(
        "CREATE DOMAIN d AS int; CREATE TABLE t (a d); INSERT INTO t VALUES (9);"
        "ALTER DOMAIN d ADD CONSTRAINT k CHECK (VALUE < 5) NOT VALID",
        "constraint-violated", "public.t.a",
    ),
    "sequence behind": Old(
        "CREATE TABLE t (id serial PRIMARY KEY); INSERT INTO t VALUES (1)", "insert-fails", "public.t",
    ),
    "sequence exhausted": Old(
        "CREATE SEQUENCE s MAXVALUE 2; CREATE TABLE t (id int DEFAULT nextval('s'));"
        "INSERT INTO t VALUES (nextval('s')), (nextval('s'))",
        "insert-fails", "public.t",
    ),
    "trigger without its table": Old(BROKEN_TRIGGER + "DROP TABLE audit", "insert-fails", "public.t"),
    "view of a dropped table": Old(
        "SET allow_system_table_mods = on; CREATE TABLE gone (n int); CREATE VIEW v AS SELECT 1 AS n;"
        "CREATE FUNCTION f() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM gone';"
        "CREATE VIEW broken AS SELECT f() FROM v; DROP TABLE gone; SET check_function_bodies = off;"
        "CREATE OR REPLACE FUNCTION f() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT n::bigint FROM v2'",
        "view-broken", "public.broken",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OLD)
def test_a_fault_of_the_source_is_a_warning(any_database: Database, name: str) -> None:
    old = OLD[name]
    if any_database.cluster.major < old.since:
        return
    any_database.psql(old.schema)
    probed = examined(any_database, manifest_of(any_database))
    assert told(probed) == []
    [finding] = told(probed, Severity.WARNING)
    assert (finding.id, finding.subject) == (old.id, old.subject)
    assert finding.actual.endswith("as in the source")


def test_orphans_behind_a_valid_constraint_are_an_error_although_another_one_is_known(any_database: Database) -> None:
    any_database.psql(
        FAMILY + "ALTER TABLE child ADD CONSTRAINT old FOREIGN KEY (parent) REFERENCES parent NOT VALID;"
        "ALTER TABLE child ADD CONSTRAINT valid FOREIGN KEY (parent) REFERENCES parent"
    )
    manifest = manifest_of(any_database)
    any_database.psql(ORPHAN)
    probed = examined(any_database, manifest)
    assert [(f.severity, f.subject) for f in probed.findings] == [
        (Severity.WARNING, "old ON public.child"),
        (Severity.ERROR, "valid ON public.child"),
    ]


def test_a_sequence_that_moved_while_it_was_dumped(any_database: Database) -> None:
    """The dump holds any value between the two that the manifest has; one before them is not the source's."""
    any_database.psql("CREATE TABLE t (id serial PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 50)")
    any_database.psql("SELECT setval('t_id_seq', 10)")
    manifest = manifest_of(any_database)
    moved = tuple(msgspec.structs.replace(s, value_after=12) for s in manifest.inventory.sequences)
    inventory = msgspec.structs.replace(manifest.inventory, sequences=moved)
    manifest = msgspec.structs.replace(manifest, inventory=inventory)
    for value, severity in ((11, Severity.WARNING), (13, Severity.ERROR), (9, Severity.ERROR)):
        any_database.psql(f"SELECT setval('t_id_seq', {value})")
        assert [finding.severity for finding in examined(any_database, manifest).findings] == [severity]


def _of_another_major(manifest: Manifest) -> Manifest:
    """The same objects, printed in another way."""
    objects = {
        kind: tuple(msgspec.structs.replace(each, digest="0" * 64) for each in found)
        for kind, found in manifest.inventory.objects.items()
    }
    return msgspec.structs.replace(
        manifest,
        engine=msgspec.structs.replace(manifest.engine, server_version="12.1"),
        inventory=msgspec.structs.replace(manifest.inventory, objects=objects),
    )


def test_whether_the_schema_is_the_sources(any_database: Database) -> None:
    any_database.psql(BROKEN_TRIGGER)
    whole = manifest_of(any_database)
    any_database.psql("DROP TABLE audit")
    broken = manifest_of(any_database)
    unknown = msgspec.structs.replace(broken.inventory, objects={})
    wanted = {
        "what the copy lacks broke it": (whole, Severity.ERROR),
        "the source lacks it too": (broken, Severity.WARNING),
        "the source lacks it too, on another major": (_of_another_major(broken), Severity.WARNING),
        "the copy lacks it, on another major": (_of_another_major(whole), Severity.ERROR),
        "nobody knows": (msgspec.structs.replace(broken, inventory=unknown), Severity.ERROR),
    }  # fmt: skip
    for name, (manifest, severity) in wanted.items():
        assert [finding.severity for finding in examined(any_database, manifest).findings] == [severity], name


def test_not_enforced_is_no_demand(any_database: Database) -> None:
    if any_database.cluster.major < 18:
        return
    any_database.psql(
        FAMILY + "ALTER TABLE child ADD CONSTRAINT k FOREIGN KEY (parent) REFERENCES parent NOT ENFORCED;"
        "ALTER TABLE child ADD CONSTRAINT c CHECK (parent < 5) NOT ENFORCED; INSERT INTO child VALUES (9)"
    )
    probed = examined(any_database, manifest_of(any_database))
    assert probed.findings == ()
    assert tried(probed, "foreign-keys") == 0


def test_keys_with_a_period(any_database: Database) -> None:
    if any_database.cluster.major < 18:
        return
    any_database.psql(
        "CREATE TABLE rooms (room int4range, at daterange, PRIMARY KEY (room, at WITHOUT OVERLAPS));"
        "INSERT INTO rooms VALUES ('[1,1]', '[2026-01-01,2026-02-01)'), ('[1,1]', '[2026-02-01,2026-03-01)');"
        "CREATE TABLE stays (room int4range, at daterange,"
        " FOREIGN KEY (room, PERIOD at) REFERENCES rooms (room, PERIOD at));"
        "INSERT INTO stays VALUES ('[1,1]', '[2026-01-20,2026-02-10)'), (NULL, '[2020-01-01,2020-01-02)')"
    )
    manifest = manifest_of(any_database)
    assert examined(any_database, manifest).findings == ()
    any_database.psql("SET session_replication_role = replica; DELETE FROM rooms WHERE lower(at) = '2026-02-01'")
    [finding] = examined(any_database, manifest).findings
    assert (finding.id, finding.severity) == ("fk-orphans", Severity.ERROR)
    assert "1 do not: row=(0,1) (room=[1,2), at=[2026-01-20,2026-02-10))" in finding.actual


def test_at_most_twenty_keys_are_shown(any_database: Database) -> None:
    any_database.psql(
        FAMILY + "ALTER TABLE child ADD COLUMN id int PRIMARY KEY, ADD FOREIGN KEY (parent) REFERENCES parent;"
        "SET session_replication_role = replica; INSERT INTO child SELECT n, n FROM generate_series(1, 50) n"
    )
    [finding] = examined(any_database).findings
    assert finding.actual.startswith("50 do not: id=1 (parent=1), id=2 (parent=2), ")
    assert finding.actual.endswith("id=20 (parent=20) and 30 more")


def test_the_regression_database_has_no_errors(regression_database: Database) -> None:
    """Whatever is told of it is true of the source: it is the source. Nothing of it is changed by the look."""
    cluster, name = regression_database.cluster, "regression copy"
    cluster.create_database(name, template=regression_database.name)
    try:
        copy = Database(cluster, name)
        manifest = manifest_of(copy)
        probed = examine(Access(copy.url), manifest, 2, Silent())
        assert told(probed) == []
        assert tried(probed, "indexes") > 1000
        assert tried(probed, "constraints") > 400
        assert manifest_of(copy) == manifest
    finally:
        cluster.drop_database(name)
