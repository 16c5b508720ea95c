"""Each probe of a copy goes red where it must, names the object, and stays green beside it: on every server here."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.probing import examined, manifest_of, told, tried
from tests.servers import Database

REPLICA = "SET session_replication_role = replica;"
ICU_COLLATIONS = "SELECT count(*) FROM pg_collation WHERE collprovider = 'i'"
SURGERY = "SET allow_system_table_mods = on;"

NAMES = r"""
CREATE SCHEMA "Odd ""s% é";
CREATE TABLE "Odd ""s% é"."t %s {} 'q'" ("id %" serial PRIMARY KEY,
    "a ""b" int CONSTRAINT "c %s {}" CHECK ("a ""b" > 0));
INSERT INTO "Odd ""s% é"."t %s {} 'q'" ("a ""b") VALUES (1), (2);
CREATE TABLE "Odd ""s% é"."ééééééééééééééééééééééééééééééé" (
    id int GENERATED ALWAYS AS IDENTITY UNIQUE, "ref {}" int REFERENCES "Odd ""s% é"."t %s {} 'q'");
INSERT INTO "Odd ""s% é"."ééééééééééééééééééééééééééééééé" ("ref {}") VALUES (1), (NULL), (2);
CREATE VIEW "Odd ""s% é"."v %s" AS SELECT * FROM "Odd ""s% é"."t %s {} 'q'";
"""

GREEN = (
    NAMES
    + r"""
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN small AS positive NOT NULL CHECK (VALUE < 1000);
CREATE DOMAIN code AS varchar(4) COLLATE "C" CHECK (VALUE ~ '^[a-z]+$');
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.note := 'touched'; RETURN NEW; END$$;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'not today'; END$$;

-- a second unique column, a generated one, a domain, NULLs, a composite that is NULL in each part
CREATE TABLE customers (id serial PRIMARY KEY, email text UNIQUE, n positive, c code, note text NOT NULL DEFAULT '',
    p pair NOT NULL DEFAULT (NULL, NULL)::pair, twice int GENERATED ALWAYS AS (n * 2) STORED, CHECK (n < 100));
INSERT INTO customers (email, n, c) VALUES ('a@x', 1, 'ab'), ('b@x', NULL, NULL), (NULL, 3, 'z'), (NULL, 3, 'z');
CREATE TRIGGER touch BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION touch();
CREATE UNIQUE INDEX ON customers (lower(email)) WHERE email LIKE 'a%';
CREATE TABLE refused (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at date DEFAULT '2026-01-01');
INSERT INTO refused DEFAULT VALUES;
CREATE TRIGGER refuse BEFORE INSERT ON refused FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TABLE empty (id serial PRIMARY KEY);
CREATE TABLE empty_strict (id serial PRIMARY KEY, a int NOT NULL);
CREATE TABLE no_columns ();
CREATE TABLE downwards (id int PRIMARY KEY);
CREATE SEQUENCE down INCREMENT -1 MAXVALUE 100 START 100 OWNED BY downwards.id;
ALTER TABLE downwards ALTER id SET DEFAULT nextval('down');
INSERT INTO downwards DEFAULT VALUES; INSERT INTO downwards DEFAULT VALUES;
CREATE TABLE natural_key (code text PRIMARY KEY, n serial);
INSERT INTO natural_key VALUES ('a'), ('b');
CREATE TABLE tenants (tenant int, id serial, what text, PRIMARY KEY (tenant, id));
INSERT INTO tenants VALUES (1, 1, 'x'), (2, 1, 'y'), (1, 2, 'z');
SELECT setval('tenants_id_seq', 2);

-- foreign keys: self, several columns, MATCH FULL, deferrable, other types, a collation of its own
CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree DEFERRABLE INITIALLY DEFERRED);
INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 3);
CREATE TABLE two (a int, b bigint, PRIMARY KEY (a, b));
INSERT INTO two VALUES (1, 1), (1, 2);
CREATE TABLE two_simple (id serial PRIMARY KEY, a bigint, b int, FOREIGN KEY (a, b) REFERENCES two);
INSERT INTO two_simple (a, b) VALUES (1, 1), (9, NULL), (NULL, NULL);
CREATE TABLE two_full (a int, b bigint, FOREIGN KEY (a, b) REFERENCES two MATCH FULL);
INSERT INTO two_full VALUES (1, 2), (NULL, NULL);
CREATE TABLE words (w text COLLATE "C" PRIMARY KEY);
INSERT INTO words VALUES ('a'), ('B');
CREATE TABLE uses (w varchar(10) COLLATE "POSIX" REFERENCES words);
INSERT INTO uses VALUES ('B'), (NULL);

-- partitions on both sides, inheritance, unlogged, row security that is forced
CREATE TABLE parts (id serial, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY HASH (id);
CREATE TABLE parts_2a PARTITION OF parts_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_2b PARTITION OF parts_2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
INSERT INTO parts (at) VALUES ('2025-02-02'), ('2026-02-02'), ('2026-03-03'), ('1999-01-01');
CREATE TABLE refers (id int, at date, FOREIGN KEY (id, at) REFERENCES parts) PARTITION BY LIST (id);
CREATE TABLE refers_all PARTITION OF refers DEFAULT;
INSERT INTO refers SELECT id, at FROM parts;
CREATE TABLE empty_parts (id serial, a int) PARTITION BY LIST (a);
CREATE TABLE base (id serial, a int CHECK (a > 0), only_here int, CONSTRAINT here CHECK (only_here > 0) NO INHERIT);
CREATE TABLE derived (b int) INHERITS (base);
INSERT INTO base (a) VALUES (1); INSERT INTO derived (a, only_here, b) VALUES (1, -1, 2);
CREATE UNLOGGED TABLE volatile (id serial PRIMARY KEY, a int);
INSERT INTO volatile (a) VALUES (1);
CREATE TABLE guarded (id serial PRIMARY KEY, a int);
INSERT INTO guarded (a) VALUES (1);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
CREATE TABLE later (id serial, UNIQUE (id) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO later DEFAULT VALUES;
CREATE TABLE apart (during int4range, EXCLUDE USING gist (during WITH &&) WHERE (NOT isempty(during)));
INSERT INTO apart VALUES ('[1,2]'), ('[3,4]'), (NULL), ('empty'), ('empty');
CREATE TABLE wide (id serial PRIMARY KEY, t text, j jsonb);
INSERT INTO wide (t, j) SELECT string_agg(md5(n::text), ''), jsonb_build_object('n', n % 7)
    FROM generate_series(1, 4000) n GROUP BY n % 20, n % 7;
CREATE INDEX ON wide USING gin (j);

-- views, one of which draws from a sequence if it is run; a search path of the database's own
CREATE SEQUENCE tickets;
CREATE VIEW draws AS SELECT nextval('tickets') AS n;
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM customers;
CREATE MATERIALIZED VIEW never AS SELECT 1 AS n WITH NO DATA;
CREATE VIEW on_never AS SELECT * FROM never;
CREATE SCHEMA app;
CREATE TABLE app.audit (id serial PRIMARY KEY, what text);
CREATE TABLE app.things (id serial PRIMARY KEY, a int);
INSERT INTO app.things (a) VALUES (1);
CREATE FUNCTION app.log() RETURNS trigger LANGUAGE plpgsql
    AS $$BEGIN INSERT INTO audit (what) VALUES ('new'); RETURN NEW; END$$;
CREATE TRIGGER log AFTER INSERT ON app.things FOR EACH ROW EXECUTE FUNCTION app.log();
"""
)


def test_all_is_green_and_as_it_was(any_database: Database) -> None:
    any_database.psql(GREEN)
    any_database.psql(
        "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no changes'; END$$;"
        "CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION watch()"
    )
    with any_database.connect() as connection:
        connection.execute(f"ALTER DATABASE {any_database.name} SET default_transaction_read_only = on".encode())
        connection.execute(f"ALTER DATABASE {any_database.name} SET statement_timeout = '1ms'".encode())
        connection.execute(f"ALTER DATABASE {any_database.name} SET session_replication_role = replica".encode())
    before = _state(any_database)
    probed = examined(any_database, manifest_of(any_database))
    assert probed.findings == ()
    reasons = {(each.id, each.reason) for each in probed.not_evaluated}
    assert reasons == {
        (
            "insert",
            "the table takes no copy of its own row: a check, a domain or the partitions' bounds refuse the row: "
            "public.empty_parts",
        ),
        (
            "insert",
            "the table takes no copy of its own row: a column without a default must not be NULL: public.empty_strict",
        ),
        ("views", "it needs a materialized view that holds no rows: public.on_never"),
    }
    assert tried(probed, "insert") == 18
    assert tried(probed, "foreign-keys") == 6
    assert tried(probed, "views") == 2
    assert tried(probed, "matviews") == 1
    assert tried(probed, "constraints") > 40
    assert tried(probed, "indexes") > 200
    assert _state(any_database) == before


def test_the_copys_event_triggers_see_nothing_of_it(any_database: Database) -> None:
    any_database.psql(
        "CREATE TABLE t (id serial PRIMARY KEY, email text UNIQUE); INSERT INTO t (email) VALUES ('a');"
        "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no changes'; END$$;"
        "CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION watch();"
        "CREATE EVENT TRIGGER watch_drops ON sql_drop EXECUTE FUNCTION watch()"
    )
    probed = examined(any_database)
    assert (probed.findings, probed.not_evaluated) == ((), ())
    assert tried(probed, "indexes") > 100


def _state(database: Database) -> dict[str, object]:
    with database.connect(options="-c statement_timeout=0") as connection:
        names = connection.execute(
            "SELECT format('%I.%I', n.nspname, c.relname), c.relkind FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'S') AND n.nspname !~ '^(pg_|information_schema)'"
        ).fetchall()
        state: dict[str, object] = {}
        for name, kind in names:
            columns = "*" if kind == "r" else "last_value, is_called"
            state[name] = connection.execute(f"SELECT {columns} FROM ONLY {name}".encode()).fetchall()
        state["extensions"] = connection.execute("SELECT extname FROM pg_extension ORDER BY 1").fetchall()
        state["schemas"] = connection.execute("SELECT nspname FROM pg_namespace ORDER BY 1").fetchall()
        constraints = "SELECT conname, convalidated FROM pg_constraint ORDER BY oid"
        state["constraints"] = connection.execute(constraints).fetchall()
        return state


class Fault(NamedTuple):
    """`change` is made to a database with the objects of GREEN. `subject` and `words` must be in the one finding."""

    change: str
    id: str
    subject: str
    words: str
    since: int = 13


FAULTS = {
    "serial behind": Fault(
        "SELECT setval('customers_id_seq', 1)", "insert-fails", "public.customers", "(id)=(2) already exists"
    ),
    "serial on a taken value though not behind the last": Fault(
        f"{REPLICA} INSERT INTO wide (id, t) VALUES (nextval('wide_id_seq') + 1, 'x')",
        "insert-fails", "public.wide", "already exists",
    ),
    "identity behind, trigger refuses": Fault(
        "ALTER TABLE refused ALTER id RESTART", "insert-fails", "public.refused", "(id)=(1) already exists"
    ),
    "downwards": Fault("SELECT setval('down', 100, false)", "insert-fails", "public.downwards", "(id)=(100)"),
    "exhausted": Fault(
        "ALTER SEQUENCE down MINVALUE 99", "insert-fails", "public.downwards", "reached minimum value"
    ),
    "partitioned table behind": Fault(
        "SELECT setval('parts_id_seq', 1, false)", "insert-fails", "public.parts", "already exists"
    ),
    "tenant's number taken": Fault(
        "SELECT setval('tenants_id_seq', 1, false)", "insert-fails", "public.tenants", "(tenant, id)=(1, 1)"
    ),
    "deferred uniqueness": Fault(
        "SELECT setval('later_id_seq', 1, false)", "insert-fails", "public.later", "(id)=(1) already exists"
    ),
    "odd name behind": Fault(
        """SELECT setval('"Odd ""s% é"."t %s {} ''q''_id %_seq"', 1, false)""",
        "insert-fails", "\"Odd \"\"s% é\".\"t %s {} 'q'\"", '("id %")=(1)',
    ),
    "trigger's table gone": Fault(
        "DROP TABLE app.audit", "insert-fails", "app.things", 'relation "audit" does not exist'
    ),
    "orphan": Fault(
        f"{REPLICA} DELETE FROM tree WHERE id = 1", "fk-orphans", "tree_parent_fkey ON public.tree", "id=2 (parent=1)"
    ),
    "orphan of several columns": Fault(
        f"{REPLICA} INSERT INTO two_simple (a, b) VALUES (1, 7)",
        "fk-orphans", "two_simple_a_b_fkey ON public.two_simple", "1 do not: id=4 (a=1, b=7)",
    ),
    "orphan by MATCH FULL": Fault(
        f"{REPLICA} INSERT INTO two_full VALUES (1, NULL)",
        "fk-orphans", "two_full_a_b_fkey ON public.two_full", "(a=1, b=NULL)",
    ),
    "orphan by another collation": Fault(
        f"{REPLICA} INSERT INTO uses VALUES ('b')", "fk-orphans", "uses_w_fkey ON public.uses", "(w=b)"
    ),
    "orphan of a partitioned table": Fault(
        f"{REPLICA} INSERT INTO refers VALUES (99, '2025-02-02')",
        "fk-orphans", "refers_id_at_fkey ON public.refers", "id=99, at=2025-02-02",
    ),
    "orphan since a partition lost its row": Fault(
        f"{REPLICA} DELETE FROM parts_2a; DELETE FROM parts_2b",
        "fk-orphans", "refers_id_at_fkey ON public.refers", "2 do not",
    ),
    "orphan, odd names": Fault(
        f"""{REPLICA} DELETE FROM "Odd ""s% é"."t %s {{}} 'q'" WHERE "id %" = 2""",
        "fk-orphans", "ON \"Odd \"\"s% é\".\"éé", "ref {}=2",
    ),
    "check": Fault(
        f"{SURGERY} ALTER TABLE base DROP CONSTRAINT here;"
        "INSERT INTO base (a, only_here) VALUES (1, -5); ALTER TABLE base ADD CONSTRAINT here CHECK (only_here > 0)"
        " NO INHERIT NOT VALID; UPDATE pg_constraint SET convalidated = true WHERE conname = 'here'",
        "constraint-violated", "here ON public.base", "1 row violates it: row=(0,2)",
    ),
    "not null": Fault(
        f"{SURGERY} ALTER TABLE customers ALTER note DROP NOT NULL;"
        "ALTER TABLE customers DISABLE TRIGGER ALL; INSERT INTO customers (email, note) VALUES ('n', NULL);"
        "UPDATE pg_attribute SET attnotnull = true WHERE attname = 'note' AND attrelid = 'customers'::regclass",
        "constraint-violated", "public.customers.note", "1 row violates it: id=5",
    ),
    "composite not null": Fault(
        f"{SURGERY} ALTER TABLE customers ALTER p DROP NOT NULL; INSERT INTO customers (email, p) VALUES ('n', NULL);"
        "UPDATE pg_attribute SET attnotnull = true WHERE attname = 'p' AND attrelid = 'customers'::regclass",
        "constraint-violated", "public.customers.p", "id=5",
    ),
    "partition's bound": Fault(
        f"{SURGERY} ALTER TABLE refers DROP CONSTRAINT refers_id_at_fkey; ALTER TABLE parts DETACH PARTITION parts_1;"
        "INSERT INTO parts_1 VALUES (77, '2031-01-01'); CREATE TABLE twin PARTITION OF parts"
        " FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');"
        "UPDATE pg_class SET relpartbound = (SELECT relpartbound FROM pg_class WHERE relname = 'twin'),"
        " relispartition = true WHERE relname = 'parts_1'; ALTER TABLE parts DETACH PARTITION twin;"
        "INSERT INTO pg_inherits (inhrelid, inhparent, inhseqno, inhdetachpending)"
        " VALUES ('parts_1'::regclass, 'parts'::regclass, 1, false); DROP TABLE twin",
        "constraint-violated", "public.parts_1", "id=77, at=2031-01-01", since=14,
    ),
    "domain": Fault(
        "ALTER DOMAIN positive DROP CONSTRAINT positive_check; INSERT INTO customers (n) VALUES (-7);"
        f"ALTER DOMAIN positive ADD CONSTRAINT pc CHECK (VALUE > 0) NOT VALID; {SURGERY}"
        "UPDATE pg_constraint SET convalidated = true WHERE conname = 'pc'",
        "constraint-violated", "public.customers.n", 'check constraint "pc"',
    ),
    "duplicates in a unique index": Fault(
        f"{SURGERY} UPDATE pg_index SET indisunique = false WHERE indexrelid = 'words_pkey'::regclass;"
        f"{REPLICA} INSERT INTO words VALUES ('a');"
        "UPDATE pg_index SET indisunique = true WHERE indexrelid = 'words_pkey'::regclass",
        "not-unique index-corrupt", "words_pkey", "",
    ),
    "duplicates by an expression": Fault(
        "DROP INDEX customers_lower_idx; INSERT INTO customers (email) VALUES ('ax'), ('AX'), ('aX');"
        "CREATE INDEX customers_lower_idx ON customers (lower(email)) WHERE email LIKE 'a%';"
        f"{SURGERY} UPDATE pg_index SET indisunique = true WHERE indexrelid = 'customers_lower_idx'::regclass",
        "not-unique index-corrupt", "customers_lower_idx", "",
    ),
    "excluded": Fault(
        f"{SURGERY} UPDATE pg_index SET indisexclusion = false WHERE indrelid = 'apart'::regclass;"
        "INSERT INTO apart VALUES ('[2,3]');"
        f"UPDATE pg_index SET indisexclusion = true WHERE indrelid = 'apart'::regclass",
        "constraint-violated", "apart_during_excl", "3 rows conflict",
    ),
    "index out of order": Fault(
        "CREATE FUNCTION rank(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';"
        "CREATE TABLE ranked AS SELECT n FROM generate_series(1, 500) n; CREATE INDEX by_rank ON ranked (rank(n));"
        "CREATE OR REPLACE FUNCTION rank(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT -$1'",
        "index-corrupt", "public.by_rank of public.ranked", "by_rank",
    ),
    "index by another collation": Fault(
        'CREATE TABLE sorted AS SELECT w FROM unnest(ARRAY[\'a\', \'B\', \'c\', \'D\']) w;'
        'CREATE INDEX by_word ON sorted (w COLLATE "C"); CREATE COLLATION other (provider = icu, locale = \'und\');'
        f"{SURGERY} UPDATE pg_index SET indcollation = (SELECT oid::text::oidvector FROM pg_collation WHERE collname ="
        " 'other') WHERE indexrelid = 'by_word'::regclass",
        "index-corrupt", "public.by_word of public.sorted", "item order invariant violated",
    ),
    "row that an index lacks": Fault(
        f"{SURGERY} UPDATE pg_index SET indisready = false WHERE indexrelid = 'wide_pkey'::regclass;"
        "INSERT INTO wide (t) VALUES ('x');"
        "UPDATE pg_index SET indisready = true WHERE indexrelid = 'wide_pkey'::regclass",
        "index-corrupt", "public.wide_pkey of public.wide", "lacks matching index tuple",
    ),
    "view without its function": Fault(
        "CREATE FUNCTION price(int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN 1; END';"
        'CREATE VIEW "prices %s" AS SELECT price(n) FROM customers;'
        f"{SURGERY} DELETE FROM pg_proc WHERE proname = 'price'",
        "view-broken", 'public."prices %s"', "cache lookup failed for function",
    ),
    "view without its table": Fault(
        f"{SURGERY} CREATE TABLE gone (n int); CREATE VIEW on_gone AS SELECT n FROM gone;"
        "DELETE FROM pg_depend WHERE refobjid = 'gone'::regclass AND classid = 'pg_rewrite'::regclass; DROP TABLE gone",
        "view-broken", "public.on_gone", "could not open relation",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(any_database: Database, name: str) -> None:
    fault = FAULTS[name]
    if any_database.cluster.major < fault.since:
        return
    if "icu" in fault.change and int(any_database.psql(ICU_COLLATIONS)) < 10:
        return  # a server that is built without
    any_database.psql(GREEN)
    manifest = manifest_of(any_database)
    any_database.psql(fault.change)
    before = _state(any_database)
    found = told(examined(any_database, manifest))
    assert found, "nothing was found"
    for finding in found:
        assert finding.id in fault.id.split()
        assert fault.subject in finding.subject
        assert fault.words in finding.actual
    assert _state(any_database) == before
