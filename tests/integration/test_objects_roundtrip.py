"""Definitions of schema objects: equal after dump and restore, different after every change that a schema can have."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from dbops.engine.postgres.objects import normalise, object_digest, read_definitions, statements
from tests.conftest import MAJORS
from tests.installations import find_installations
from tests.needs import need
from tests.servers import Cluster, Database

SCRIPT = Path(__file__).with_name("objects.sql")
SOURCE, COPY, SECOND = "objects 'of' \"é\"", "copy", "copy of the copy"
Definitions = dict[str, dict[str, str]]

# What no dump of a database carries unless it is told to create the database as well.
WITH_CREATE = {"database_owner", "database_grant", "database_comment", "setting"}


@pytest.fixture(scope="module", params=MAJORS, ids=lambda major: f"pg{major}")
def objects_server(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A server of its own, since it gets roles, with the database of objects.sql."""
    installation = next((each for each in find_installations() if each.major == request.param), None)
    if installation is None:
        need(f"no PostgreSQL {request.param} server on this machine")
    with Cluster(installation) as cluster:
        cluster.create_database(SOURCE)
        cluster.psql(SCRIPT.read_text(encoding="utf-8"), SOURCE)
        yield cluster


@pytest.fixture(scope="module")
def source(objects_server: Cluster) -> Database:
    return Database(objects_server, SOURCE)


@pytest.fixture(scope="module")
def definitions(source: Database) -> Definitions:
    return read(source)


def read(database: Database) -> Definitions:
    with database.connect() as connection:
        return read_definitions(connection)


def run(cluster: Cluster, tool: str, *arguments: str) -> str:
    done = subprocess.run([cluster.installation.tool(tool), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def dump_and_restore(source: Database, name: str, folder: Path) -> Database:
    archive = str(folder / f"{name}.dump")
    run(source.cluster, "pg_dump", "-Fc", "-f", archive, source.socket_url)
    source.cluster.create_database(name)
    copy = Database(source.cluster, name)
    run(source.cluster, "pg_restore", "--exit-on-error", "-d", copy.socket_url, archive)
    return copy


def differences(one: Definitions, two: Definitions) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    pairs = {(kind, name) for each in (one, two) for kind, objects in each.items() for name in objects}
    both = {(kind, name): (one[kind].get(name), two[kind].get(name)) for kind, name in pairs}
    return {key: (before, after) for key, (before, after) in both.items() if before != after}


def test_a_restored_copy_is_equal_and_so_is_its_own(source: Database, definitions: Definitions, tmp_path: Path) -> None:
    copy = dump_and_restore(source, COPY, tmp_path)
    second = dump_and_restore(copy, SECOND, tmp_path)
    for database in (copy, second):
        lost = differences(definitions, read(database))
        assert {key for key in lost if key[0] not in WITH_CREATE} == set(), lost


def test_a_copy_of_a_whole_database_is_equal_in_its_settings_too(
    source: Database, definitions: Definitions, tmp_path: Path
) -> None:
    """pg_dump --create, restored by pg_restore --create into another cluster: that is where the name is free."""
    archive = str(tmp_path / "whole.dump")
    run(source.cluster, "pg_dump", "--create", "-Fc", "-f", archive, source.socket_url)
    with Cluster(source.cluster.installation) as other:
        roles = [line for line in SCRIPT.read_text(encoding="utf-8").splitlines() if line.startswith("CREATE ROLE")]
        other.psql("\n".join(roles))
        run(other, "pg_restore", "--create", "--exit-on-error", "-d", other.socket_url(), archive)
        assert differences(definitions, read(Database(other, SOURCE))) == {}


def test_the_example_has_every_kind(definitions: Definitions) -> None:
    # no provider of labels comes with a server
    assert {kind for kind, objects in definitions.items() if not objects} == {"security_label"}


def test_nothing_secret_is_in_a_definition(definitions: Definitions) -> None:
    for kind, objects in definitions.items():
        assert [name for name, text in objects.items() if "sekret" in text] == [], kind
    assert definitions["user_mapping"]["PUBLIC on server \"ser 'ver'\""] == "user mapping\noptions password"
    assert "'(hidden)'" in definitions["setting"]["(all roles): app.jwt_secret"]


def test_a_server_before_14_is_not_asked_for_what_it_lacks(source: Database) -> None:
    """There is none here to ask: what it is sent is the same but for these lines, and is SQL."""
    now, then = dict(statements(150000)), dict(statements(130000))
    assert {kind for kind in now if now[kind] != then[kind]} == {"statistics", "subscription"}
    for kind, gone in (("statistics", b"pg_get_statisticsobjdef_expressions"), ("subscription", b"subsynccommit,")):
        assert (gone in now[kind], gone in then[kind]) == (True, False)
        assert len(now[kind].splitlines()) == len(then[kind].splitlines()) + 1
        with source.connect() as connection:
            assert connection.execute(then[kind]).fetchall()


def test_the_database_may_have_another_name(definitions: Definitions) -> None:
    names = [name for objects in definitions.values() for name in objects]
    assert [name for name in names if "objects 'of'" in name] == []


def test_an_ordinary_role_reads_the_same(source: Database, definitions: Definitions) -> None:
    with psycopg.connect(source.cluster.socket_url(source.name, user="plain_user"), row_factory=dict_row) as connection:
        connection.execute("SET search_path = public; SET TimeZone = 'Asia/Tokyo'; SET quote_all_identifiers = on")
        found = read_definitions(connection)
    assert {kind for kind, _ in differences(definitions, found)} == {"user_mapping"}  # options are for its owner to see
    assert found["user_mapping"].keys() == definitions["user_mapping"].keys()


def test_settings_last_no_longer_than_the_transaction(source: Database) -> None:
    with source.connect() as connection:
        connection.execute("SET search_path = public")
        with connection.transaction():
            read_definitions(connection)
        assert connection.execute("SHOW search_path").fetchone() == ("public",)


def test_an_invalid_index_is_told_apart_and_missed_in_the_copy(source: Database, tmp_path: Path) -> None:
    cluster = source.cluster
    cluster.create_database("invalid")
    database = Database(cluster, "invalid")
    database.psql("CREATE TABLE t AS SELECT 1 AS a FROM generate_series(1, 2)")
    with database.connect() as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON t (a)")
    before = read(database)
    assert before["index"]["public.broken"].endswith("\ninvalid\nnot ready")
    lost = differences(before, read(dump_and_restore(database, "invalid copy", tmp_path)))
    assert lost.keys() == {("index", "public.broken")}


def test_a_security_label_is_seen(source: Database) -> None:
    """Put into the catalog by hand: a real one needs a provider, which is a library of its own."""
    with source.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL allow_system_table_mods = on")
        connection.execute(
            "INSERT INTO pg_seclabel VALUES ('public'::regnamespace, 'pg_namespace'::regclass, 0, 'dummy', 'it''s')"
        )
        assert read_definitions(connection)["security_label"] == {"schema public by dummy": "'it''s'"}


# -- what differs in print alone -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "restored"),
    [
        (
            "((x)::text = ANY ((ARRAY['a'::character varying, 'b, (]'::character varying])::text[]))",
            "((x)::text = ANY (ARRAY[('a'::character varying)::text, ('b, (]'::character varying)::text]))",
        ),
        (
            "(ARRAY[ARRAY[1, f(2, 3)], ARRAY[b]])::bigint[]",
            "ARRAY[ARRAY[(1)::bigint, (f(2, 3))::bigint], ARRAY[(b)::bigint]]",
        ),
        ("""(ARRAY['''', E'\\''])::"a ]"."t"[] || c""", """ARRAY[('''')::"a ]"."t", (E'\\'')::"a ]"."t"] || c"""),
        ("(ARRAY[a])::character varying(10)[]", "ARRAY[(a)::character varying(10)]"),
        ("FROM (VALUES (1))", "FROM ( VALUES (1))"),
        ("CREATE RULE r AS\n UPDATE log AS trgt SET a = 1", "CREATE RULE r AS\n UPDATE log trgt SET a = 1"),
        ('EXTRACT("YEAR" FROM now())', "EXTRACT(YEAR FROM now())"),
        ("EXTRACT(YEAR FROM now())", "EXTRACT(year FROM now())"),
    ],
)
def test_both_prints_of_one_expression_are_equal(first: str, restored: str) -> None:
    assert normalise(first) == normalise(restored) == normalise(normalise(first))
    assert object_digest(first) == object_digest(restored)
    assert len(object_digest(first)) == 64


@pytest.mark.parametrize(
    "text",
    [
        "'(ARRAY[''a''::character varying])::text[]'",
        "$f$ (ARRAY['a'])::text[] ( $f$",
        '"( (ARRAY[a])::text[]"',
        "(ARRAY[a])::domain_of_text",
        "((a OR b) AND c)",
        "$function$ SELECT a AS b $function$",
        "SELECT ' a AS b '",
    ],
)
def test_nothing_else_is_rewritten(text: str) -> None:
    assert normalise(text) == text


# -- every kind of entry of an archive is looked at ------------------------------------------------------------------

# What `pg_restore -l` calls the entries (the descriptions in pg_dump.c), and the kinds that hold what they do.
ENTRIES = {
    "ACCESS METHOD": "access_method",
    "ACL": "grant",
    "AGGREGATE": "function",
    "BLOB": "large_object_owner",
    "BLOB METADATA": "large_object_owner",
    "CAST": "cast",
    "CHECK CONSTRAINT": "constraint",
    "COLLATION": "collation",
    "COMMENT": "comment",
    "CONSTRAINT": "constraint",
    "CONVERSION": "conversion",
    "DATABASE": "database_owner",
    "DATABASE PROPERTIES": "setting",
    "DEFAULT": "columns",
    "DEFAULT ACL": "default_privilege",
    "DOMAIN": "domain",
    "EVENT TRIGGER": "event_trigger",
    "EXTENSION": "extension",
    "FK CONSTRAINT": "constraint",
    "FOREIGN DATA WRAPPER": "foreign_data_wrapper",
    "FOREIGN TABLE": "foreign_table",
    "FUNCTION": "function",
    "INDEX": "index",
    "INDEX ATTACH": "index",
    "MATERIALIZED VIEW": "matview",
    "MATERIALIZED VIEW DATA": "matview",
    "OPERATOR": "operator",
    "OPERATOR CLASS": "operator_class",
    "OPERATOR FAMILY": "operator_family",
    "POLICY": "policy",
    "PROCEDURAL LANGUAGE": "language",
    "PROCEDURE": "function",
    "PUBLICATION": "publication",
    "PUBLICATION TABLE": "publication",
    "PUBLICATION TABLES IN SCHEMA": "publication",
    "ROW SECURITY": "table",
    "RULE": "rule",
    "SCHEMA": "schema",
    "SECURITY LABEL": "security_label",
    "SEQUENCE": "sequence",
    "SEQUENCE OWNED BY": "sequence",
    "SERVER": "foreign_server",
    "SHELL TYPE": "type",
    "STATISTICS": "statistics",
    "SUBSCRIPTION": "subscription",
    "TABLE": "table",
    "TABLE ATTACH": "partition",
    "TEXT SEARCH CONFIGURATION": "text_search_config",
    "TEXT SEARCH DICTIONARY": "text_search_dictionary",
    "TEXT SEARCH PARSER": "text_search_parser",
    "TEXT SEARCH TEMPLATE": "text_search_template",
    "TRANSFORM": "transform",
    "TRIGGER": "trigger",
    "TYPE": "type",
    "USER MAPPING": "user_mapping",
    "VIEW": "view",
}
# Rows and what counts them, and settings of the dump itself: another part of the inventory.
NO_OBJECT = {"TABLE DATA", "SEQUENCE SET", "BLOBS", "STATISTICS DATA", "ENCODING", "STDSTRINGS", "SEARCHPATH"}


def test_every_entry_of_the_archive_has_a_kind(source: Database, definitions: Definitions, tmp_path: Path) -> None:
    archive = str(tmp_path / "list.dump")
    run(source.cluster, "pg_dump", "--create", "-Fc", "-f", archive, source.socket_url)
    listing = run(source.cluster, "pg_restore", "-l", "--create", archive)
    known = sorted([*ENTRIES, *NO_OBJECT], key=len, reverse=True)
    entries = [match[1] for match in re.finditer(r"^\d+; \d+ \d+ (.+)$", listing, re.MULTILINE)]
    assert len(entries) > 200
    met = set()
    for entry in entries:
        description = next((each for each in known if entry.startswith(each + " ")), None)
        assert description, f"no kind for the entry: {entry}"
        met.add(description)
    assert {ENTRIES[each] for each in met - NO_OBJECT} <= definitions.keys()
    # the example is worth something only if nearly every description is met in it
    rare = {"SECURITY LABEL", "BLOB", "BLOB METADATA", "CHECK CONSTRAINT", "PUBLICATION TABLES IN SCHEMA", "DEFAULT"}
    assert ENTRIES.keys() - met <= rare


# -- every change is seen --------------------------------------------------------------------------------------------

S = '"sch ""e"" ma".'
T = '"t ""able"" \'q\' é"'
OWNER = '"own\'er ""q"" é"'
# (statement, kind, identity): the statement runs with the schema of the example in its search path
CHANGES = [
    (f"DROP INDEX {S}tags_gin", "index", f"{S}tags_gin"),
    (f"CREATE INDEX added ON {T} (amount)", "index", f"{S}added"),
    (f'ALTER INDEX {S}"idx ""q""" SET (fillfactor = 61)', "index", f'{S}"idx ""q"""'),
    (f"ALTER TABLE {T} SET WITHOUT CLUSTER", "index", f'{S}"t ""able"" \'q\' é_pkey"'),
    ("ALTER INDEX expression_stats ALTER COLUMN 1 SET STATISTICS 78", "index", f"{S}expression_stats"),
    ("ALTER TABLE typed REPLICA IDENTITY USING INDEX typed_pkey", "index", f"{S}typed_pkey"),
    (f"ALTER TABLE {T} ALTER \"select\" SET DEFAULT 'its'", "columns", f"{S}{T}"),
    (f"ALTER TABLE {T} ALTER at SET DEFAULT '2020-01-01 12:00:01+02'", "columns", f"{S}{T}"),
    (f"ALTER TABLE {T} ALTER amount DROP NOT NULL", "columns", f"{S}{T}"),
    (f"ALTER TABLE {T} ALTER amount SET STATISTICS 51", "columns", f"{S}{T}"),
    (f"ALTER TABLE {T} ALTER wide SET STORAGE extended", "columns", f"{S}{T}"),
    (f'ALTER TABLE {T} ALTER "select" SET (n_distinct = -0.6)', "columns", f"{S}{T}"),
    (f"ALTER TABLE {T} ALTER id SET GENERATED ALWAYS", "columns", f"{S}{T}"),
    (f"ALTER TABLE {T} ALTER total DROP EXPRESSION", "columns", f"{S}{T}"),
    ("ALTER TABLE parent_b ALTER c TYPE bigint", "columns", f"{S}parent_b"),
    ('ALTER TABLE dropped_columns ALTER c TYPE text COLLATE "C"', "columns", f"{S}dropped_columns"),
    ("ALTER TABLE dropped_columns RENAME b TO bb", "columns", f"{S}dropped_columns"),
    ("ALTER TABLE dropped_columns DROP c", "columns", f"{S}dropped_columns"),
    ("ALTER TABLE dropped_columns DROP a, ADD a integer", "column_order", f"{S}dropped_columns"),
    ('ALTER TYPE "pair é" DROP ATTRIBUTE "a b" CASCADE', "columns", f'{S}"pair é"'),
    ('ALTER VIEW "v \'iew\'" ALTER "select" DROP DEFAULT', "columns", f"{S}\"v 'iew'\""),
    ('ALTER FOREIGN TABLE "foreign é" ALTER "c d" OPTIONS (SET column_name \'its\')', "columns", f'{S}"foreign é"'),
    ("DROP TABLE no_columns", "table", f"{S}no_columns"),
    ("ALTER TABLE no_columns SET LOGGED", "table", f"{S}no_columns"),
    (f"ALTER TABLE {T} SET (fillfactor = 71)", "table", f"{S}{T}"),
    (f"ALTER TABLE {T} RESET (toast.autovacuum_enabled)", "table", f"{S}{T}"),
    (f"ALTER TABLE {T} REPLICA IDENTITY DEFAULT", "table", f"{S}{T}"),
    (f"ALTER TABLE {T} DISABLE ROW LEVEL SECURITY", "table", f"{S}{T}"),
    ("ALTER TABLE parent_a NO FORCE ROW LEVEL SECURITY", "table", f"{S}parent_a"),
    ("ALTER TABLE typed NOT OF", "table", f"{S}typed"),
    ('ALTER TABLE "part 2" DETACH PARTITION "part 2 rest"', "partition", f'{S}"part 2 rest"'),
    ("ALTER TABLE heir NO INHERIT parent_a", "inheritance", f"{S}heir"),
    (f"ALTER TABLE {T} DROP CONSTRAINT either", "constraint", f"either on {S}{T}"),
    ('ALTER TABLE child_of_t DROP CONSTRAINT "fk é"', "constraint", f'"fk é" on {S}child_of_t'),
    ('ALTER TABLE child_of_t VALIDATE CONSTRAINT "not valid"', "constraint", f'"not valid" on {S}child_of_t'),
    ('ALTER TABLE child_of_t ALTER CONSTRAINT "fk é" NOT DEFERRABLE', "constraint", f'"fk é" on {S}child_of_t'),
    (
        f"ALTER TABLE {T} DROP CONSTRAINT either, "
        "ADD CONSTRAINT either CHECK (amount > 1 OR (id > 5 AND id < 1000000))",
        "constraint",
        f"either on {S}{T}",
    ),
    (
        f"ALTER TABLE {T} DROP CONSTRAINT \"one 'of'\", "
        f"ADD CONSTRAINT \"one 'of'\" CHECK (\"select\" IN ('a', 'b', 'its', 'd'))",
        "constraint",
        f"\"one 'of'\" on {S}{T}",
    ),
    (f'DROP TRIGGER "tr ig" ON {T}', "trigger", f'"tr ig" on {S}{T}'),
    (f'ALTER TABLE {T} DISABLE TRIGGER "tr ig"', "trigger", f'"tr ig" on {S}{T}'),
    ('ALTER TABLE "part 1" ENABLE TRIGGER quiet', "trigger", f'quiet on {S}"part 1"'),
    ('DROP RULE "ru\'le" ON "v \'iew\'"', "rule", f'"ru\'le" on {S}"v \'iew\'"'),
    ("ALTER TABLE parent_b ENABLE RULE sleeping", "rule", f"sleeping on {S}parent_b"),
    ("ALTER EVENT TRIGGER \"ev 'ent'\" ENABLE", "event_trigger", "\"ev 'ent'\""),
    ("CREATE OR REPLACE VIEW looks_at_view AS SELECT v.*, double(4) FROM \"v 'iew'\" v", "view", f"{S}looks_at_view"),
    ("ALTER VIEW \"v 'iew'\" RESET (security_barrier)", "view", f"{S}\"v 'iew'\""),
    ("REFRESH MATERIALIZED VIEW not_filled", "matview", f"{S}not_filled"),
    ('DROP MATERIALIZED VIEW "mat ""view"""', "matview", f'{S}"mat ""view"""'),
    ("ALTER FUNCTION double(text) STABLE", "function", f"{S}double(pg_catalog.text)"),
    ("ALTER FUNCTION double(text) SECURITY DEFINER", "function", f"{S}double(pg_catalog.text)"),
    ("ALTER FUNCTION double(text) SET work_mem = '1MB'", "function", f"{S}double(pg_catalog.text)"),
    (
        "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
        "function",
        f"{S}touch()",
    ),
    (
        "CREATE OR REPLACE AGGREGATE \"sum it\"(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '1')",
        "function",
        f'{S}"sum it"(integer)',
    ),
    ('DROP PROCEDURE "do it"', "function", f'{S}"do it"(integer)'),
    ("ALTER TYPE \"mood's\" ADD VALUE 'new'", "type", f'{S}"mood\'s"'),
    ("ALTER TYPE \"mood's\" RENAME VALUE 'sad' TO 'SAD'", "type", f'{S}"mood\'s"'),
    (
        "UPDATE pg_enum SET enumsortorder = 100 WHERE enumlabel = 'sad' AND enumtypid = '\"mood''s\"'::regtype",
        "type",
        f'{S}"mood\'s"',
    ),
    ("DROP TYPE shell_only", "type", f"{S}shell_only"),
    ("ALTER TYPE box3 SET (STORAGE = main)", "type", f"{S}box3"),
    ('ALTER DOMAIN "short text" DROP CONSTRAINT longer', "domain", f'{S}"short text"'),
    ('ALTER DOMAIN "short text" DROP NOT NULL', "domain", f'{S}"short text"'),
    (f"ALTER POLICY \"pol 'icy'\" ON {T} TO reader", "policy", f"\"pol 'icy'\" on {S}{T}"),
    (
        f"ALTER POLICY \"pol 'icy'\" ON {T} USING ((\"select\" IN ('a', 'b') AND amount > 1) OR id > 5)",
        "policy",
        f"\"pol 'icy'\" on {S}{T}",
    ),
    ('ALTER SEQUENCE "seq é" CACHE 5', "sequence", f'{S}"seq é"'),
    ("ALTER SEQUENCE child_of_t_serial_one_seq OWNED BY NONE", "sequence", f"{S}child_of_t_serial_one_seq"),
    (f"ALTER TABLE {T} ALTER id SET INCREMENT 4", "sequence", f'{S}"t ""able"" \'q\' é_id_seq"'),
    ("DROP EXTENSION postgres_fdw", "extension", "postgres_fdw"),
    ("ALTER EXTENSION citext SET SCHEMA public", "extension", "citext"),
    ('CREATE SCHEMA "another"', "schema", "another"),
    (f"COMMENT ON TABLE {T} IS NULL", "comment", f"table {S}{T}"),
    (f"COMMENT ON COLUMN {T}.\"naïve x\" IS 'another'", "comment", f'table column {S}{T}."naïve x"'),
    ("COMMENT ON SCHEMA public IS NULL", "comment", "schema public"),
    ("COMMENT ON LARGE OBJECT 424242 IS NULL", "comment", "large object 424242"),
    ("ALTER TABLE parent_b OWNER TO reader", "owner", f"table {S}parent_b"),
    ("ALTER SCHEMA public OWNER TO reader", "owner", "schema public"),
    ("ALTER PUBLICATION everything OWNER TO reader", "owner", "publication everything"),
    ("ALTER LARGE OBJECT 424243 OWNER TO reader", "large_object_owner", OWNER),
    ("GRANT DELETE ON parent_b TO reader", "grant", f"table {S}parent_b"),
    (f"REVOKE GRANT OPTION FOR SELECT ON {T} FROM reader", "grant", f"table {S}{T}"),
    (f'REVOKE UPDATE ("select") ON {T} FROM reader', "grant", f'table column {S}{T}."select"'),
    ("REVOKE ALL ON LARGE OBJECT 424242 FROM reader", "grant", "large object 424242"),
    (
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_sleep(float8) TO reader",
        "grant",
        "function pg_catalog.pg_sleep(double precision)",
    ),
    (
        "GRANT EXECUTE ON FUNCTION ext.citext_eq(ext.citext, ext.citext) TO PUBLIC",
        "grant",
        "function ext.citext_eq(ext.citext,ext.citext)",
    ),
    ("REVOKE CREATE ON SCHEMA public FROM reader", "grant", "schema public"),
    (
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
        "default_privilege",
        f"for role {OWNER} on functions",
    ),
    (
        f'ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA "select" '
        "REVOKE GRANT OPTION FOR SELECT ON TABLES FROM reader",
        "default_privilege",
        f'for role {OWNER} in schema "select" on tables',
    ),
    ("ALTER PUBLICATION \"pub 'l'\" DROP TABLE parent_b", "publication", "\"pub 'l'\""),
    ("ALTER PUBLICATION \"pub 'l'\" SET (publish = 'insert')", "publication", "\"pub 'l'\""),
    ("ALTER SUBSCRIPTION \"sub 'scr'\" SET (synchronous_commit = off)", "subscription", "\"sub 'scr'\""),
    ("ALTER SUBSCRIPTION \"sub 'scr'\" SET (slot_name = other)", "subscription", "\"sub 'scr'\""),
    ("ALTER FOREIGN DATA WRAPPER \"f d w\" OPTIONS (SET debug 'its')", "foreign_data_wrapper", '"f d w"'),
    ("ALTER SERVER \"ser 'ver'\" VERSION '1.3'", "foreign_server", "\"ser 'ver'\""),
    ("ALTER SERVER \"ser 'ver'\" OPTIONS (SET host 'i')", "foreign_server", "\"ser 'ver'\""),
    (
        "ALTER USER MAPPING FOR PUBLIC SERVER \"ser 'ver'\" OPTIONS (ADD user 'x')",
        "user_mapping",
        "PUBLIC on server \"ser 'ver'\"",
    ),
    ("ALTER FOREIGN TABLE \"foreign é\" OPTIONS (SET table_name 'y')", "foreign_table", f'{S}"foreign é"'),
    ("DROP STATISTICS expressions", "statistics", f"{S}expressions"),
    ('ALTER STATISTICS "st ats" SET STATISTICS 34', "statistics", f'{S}"st ats"'),
    ('DROP COLLATION "no ""case"""', "collation", f'{S}"no ""case"""'),
    ('DROP CONVERSION "con version"', "conversion", f'{S}"con version"'),
    ('DROP CAST ("mood\'s" AS integer)', "cast", f'({S}"mood\'s" AS integer)'),
    ("ALTER OPERATOR !== (integer, integer) SET (RESTRICT = neqsel)", "operator", f"{S}!==(integer,integer)"),
    (
        'ALTER OPERATOR FAMILY "fam ily" USING hash DROP FUNCTION 1 (bigint)',
        "operator_family",
        f'{S}"fam ily" USING hash',
    ),
    ('DROP OPERATOR CLASS "op class" USING hash', "operator_class", f'{S}"op class" USING hash'),
    ('DROP ACCESS METHOD "acc ess"', "access_method", '"acc ess"'),
    ('DROP LANGUAGE "other lang"', "language", '"other lang"'),
    ("DROP TRANSFORM FOR integer LANGUAGE sql CASCADE", "transform", "integer language sql"),
    (
        "ALTER TEXT SEARCH CONFIGURATION \"conf 'ig'\" ALTER MAPPING FOR word WITH simple",
        "text_search_config",
        f"{S}\"conf 'ig'\"",
    ),
    ('ALTER TEXT SEARCH DICTIONARY "dict é" (accept = true)', "text_search_dictionary", f'{S}"dict é"'),
    ('ALTER TEXT SEARCH PARSER "par ser" RENAME TO parser2', "text_search_parser", f"{S}parser2"),
    ('ALTER TEXT SEARCH TEMPLATE "tem plate" RENAME TO template2', "text_search_template", f"{S}template2"),
]
# the same, for the database itself, whose name comes in place of {}
DATABASE_CHANGES = [
    ("ALTER DATABASE {} SET work_mem = '8MB'", "setting", "(all roles): work_mem"),
    ("ALTER ROLE reader IN DATABASE {} RESET search_path", "setting", "reader: search_path"),
    ("ALTER DATABASE {} OWNER TO reader", "database_owner", "(database)"),
    ("GRANT TEMPORARY ON DATABASE {} TO PUBLIC", "database_grant", "(database)"),
    ("COMMENT ON DATABASE {} IS NULL", "database_comment", "(database)"),
]


def changed(source: Database, definitions: Definitions, statement: bytes) -> set[tuple[str, str]]:
    """Which objects differ after the statement, which is rolled back."""
    with source.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL allow_system_table_mods = on")
        connection.execute('SET LOCAL search_path = "sch ""e"" ma"')
        connection.execute(statement)
        return set(differences(definitions, read_definitions(connection)))


@pytest.mark.parametrize(
    ("statement", "kind", "name"), CHANGES, ids=[f"{kind}-{n}" for n, (_, kind, _) in enumerate(CHANGES)]
)
def test_a_change_is_seen_and_named(
    source: Database, definitions: Definitions, statement: str, kind: str, name: str
) -> None:
    assert (kind, name) in changed(source, definitions, statement.encode())


@pytest.mark.parametrize(("statement", "kind", "name"), DATABASE_CHANGES)
def test_a_change_of_the_database_is_seen(
    source: Database, definitions: Definitions, statement: str, kind: str, name: str
) -> None:
    before, after = statement.split("{}")
    database = sql.Identifier(source.name).as_string()
    assert (kind, name) in changed(source, definitions, (before + database + after).encode())


def test_no_change_is_no_difference(source: Database, definitions: Definitions) -> None:
    with source.connect() as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute('REINDEX SCHEMA "sch ""e"" ma"')
    statement = b"""
        SELECT nextval('"seq \xc3\xa9"'); CREATE TEMPORARY TABLE t (a serial PRIMARY KEY);
        COMMENT ON TABLE t IS 'temporary'; COMMENT ON COLUMN t.a IS 'temporary'; GRANT SELECT ON t TO reader
    """
    assert changed(source, definitions, statement) == set()


def test_every_kind_is_in_the_list_of_changes(definitions: Definitions) -> None:
    seen = {kind for _, kind, _ in [*CHANGES, *DATABASE_CHANGES]}
    assert definitions.keys() - seen == {"security_label"}  # has a test of its own
