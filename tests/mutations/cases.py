"""The mutations: what is done to a good backup, and what the drill must say of it. See `mutation.Mutation`."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

ODD = '"odd name"."a ""table"" of %s; --"'

MUTATIONS = (
    # rows
    Mutation("missing table", "DROP TABLE events", "public.events"),
    Mutation("missing row", "DELETE FROM events WHERE what = 'event 7'", "event 7", of="public.events"),
    Mutation(
        "duplicated row",
        "INSERT INTO events SELECT * FROM events WHERE what = 'event 7'",
        "event 7",
        of="public.events",
    ),
    Mutation("one changed value", "UPDATE invoices SET total = total + 0.01 WHERE id = 17", "invoices id='17'"),
    Mutation(
        "one row for another",
        "UPDATE events SET what = 'event 8' WHERE what = 'event 7'",
        "event 7",
        of="public.events",
    ),
    Mutation("NULL turned into ''", "UPDATE customers SET note = '' WHERE id = 5", "customers id='5'"),
    Mutation("'' turned into NULL", "UPDATE customers SET note = NULL WHERE id = 6", "customers id='6'"),
    Mutation(
        "swapped columns",
        "ALTER TABLE customers DISABLE TRIGGER touch; UPDATE customers SET first_name = last_name, "
        "last_name = first_name; ALTER TABLE customers ENABLE TRIGGER touch",
        "public.customers id=",
    ),
    Mutation(
        "swapped column names",
        "ALTER TABLE customers RENAME first_name TO x; ALTER TABLE customers RENAME last_name TO first_name; "
        "ALTER TABLE customers RENAME x TO last_name",
        "customers",
    ),
    Mutation("row of an odd table", f"UPDATE {ODD} SET \"Ünïcode\" = 'x' WHERE id = 3", 'a "table" of %s; --'),
    Mutation("large object missing", "SELECT lo_unlink(4711)", "large objects"),
    Mutation("large object changed", "SELECT lo_put(4711, 0, 'A')", "large objects"),
    Mutation(
        "wrong encoding",
        "UPDATE customers SET first_name = convert_from(convert_to(first_name, 'UTF8'), 'LATIN1') WHERE id = 9",
        "customers id='9'",
    ),
    Mutation("emptied table", "TRUNCATE events", "public.events"),
    Mutation("emptied database", "DROP SCHEMA public CASCADE; CREATE SCHEMA public", "public.customers"),
    # values changed by one unit
    Mutation("float4", "UPDATE kinds SET f4 = 0.33333337 WHERE id = 1", "kinds id='1'"),
    Mutation("float8", "UPDATE kinds SET f8 = 0.33333333333333337 WHERE id = 1", "kinds id='1'"),
    Mutation("minus zero", "UPDATE kinds SET f8 = '-0' WHERE id = 7", "kinds id='7'"),
    Mutation("NaN", "UPDATE kinds SET n = 0 WHERE id = 8", "kinds id='8'"),
    Mutation("numeric scale", "UPDATE kinds SET n = 0.250 WHERE id = 1", "kinds id='1'"),
    Mutation("timestamptz", "UPDATE kinds SET at = at + interval '1 us' WHERE id = 2", "kinds id='2'"),
    Mutation("timestamptz by an hour", "UPDATE kinds SET at = at + interval '1 h' WHERE id = 2", "kinds id='2'"),
    Mutation("timestamp", "UPDATE kinds SET local = local + interval '1 us' WHERE id = 2", "kinds id='2'"),
    Mutation("date", "UPDATE kinds SET day = day + 1 WHERE id = 2", "kinds id='2'"),
    Mutation("interval", "UPDATE kinds SET span = interval '1 day' WHERE id = 24", "kinds id='24'"),
    Mutation("jsonb", "UPDATE kinds SET j = jsonb_set(j, '{list,1}', '0') WHERE id = 3", "kinds id='3'"),
    Mutation("jsonb number", "UPDATE kinds SET j = jsonb_set(j, '{n}', '3.0') WHERE id = 3", "kinds id='3'"),
    Mutation("text array", "UPDATE kinds SET words = ARRAY['a', NULL] WHERE id = 4", "kinds id='4'"),
    Mutation("array bounds", "UPDATE kinds SET numbers = '[0:1]={4,5}' WHERE id = 4", "kinds id='4'"),
    Mutation("bytea", "UPDATE kinds SET bytes = set_bit(bytes, 0, 1 - get_bit(bytes, 0)) WHERE id = 5", "kinds id='5'"),
    Mutation("enum", "UPDATE kinds SET mood = 'happy' WHERE id = 6", "kinds id='6'"),
    Mutation("domain", "UPDATE kinds SET amount = amount + 1 WHERE id = 6", "kinds id='6'"),
    Mutation("range", "UPDATE kinds SET period = '[6,12)' WHERE id = 6", "kinds id='6'"),
    Mutation("composite", "UPDATE kinds SET place = ('main', 9)::place WHERE id = 9", "kinds id='9'"),
    Mutation("uuid", "UPDATE kinds SET code = '00000000-0000-0000-0000-000000000000' WHERE id = 9", "kinds id='9'"),
    Mutation("bits", "UPDATE kinds SET bits = bits || B'0' WHERE id = 9", "kinds id='9'"),
    Mutation("inet", "UPDATE kinds SET address = '10.0.0.9/24' WHERE id = 9", "kinds id='9'"),
    Mutation("boolean", "UPDATE kinds SET flag = NOT flag WHERE id = 9", "kinds id='9'"),
    Mutation("money", "UPDATE kinds SET cash = cash + '0.01' WHERE id = 9", "kinds id='9'"),
    Mutation("xml", "UPDATE kinds SET x = '<n> 9</n>'::xml WHERE id = 9", "kinds id='9'"),
    # schema objects
    Mutation("missing index", "DROP INDEX invoices_by_customer", "invoices_by_customer"),
    Mutation("missing foreign key", "ALTER TABLE invoices DROP CONSTRAINT invoices_customer", "invoices_customer"),
    Mutation("missing check", "ALTER TABLE invoices DROP CONSTRAINT invoices_total", "invoices_total"),
    Mutation("missing primary key", "ALTER TABLE kinds DROP CONSTRAINT kinds_pkey", "kinds_pkey"),
    Mutation("missing NOT NULL", "ALTER TABLE customers ALTER first_name DROP NOT NULL", "customers"),
    Mutation("missing trigger", "DROP TRIGGER touch ON customers", "touch"),
    Mutation("disabled trigger", "ALTER TABLE customers DISABLE TRIGGER touch", "touch"),
    Mutation("missing function", "DROP FUNCTION touch CASCADE", "touch"),
    Mutation(
        "changed function",
        "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$",
        "touch",
    ),
    Mutation("missing procedure", "DROP PROCEDURE tidy", "tidy"),
    Mutation("missing view", "DROP VIEW open_invoices", "open_invoices"),
    Mutation(
        "changed view",
        "CREATE OR REPLACE VIEW open_invoices AS SELECT * FROM invoices WHERE total > 99",
        "open_invoices",
    ),
    Mutation("missing matview", "DROP MATERIALIZED VIEW totals", "totals"),
    Mutation("empty matview", "REFRESH MATERIALIZED VIEW totals WITH NO DATA", "totals"),
    Mutation("missing sequence", "DROP SEQUENCE tickets", "tickets"),
    Mutation("sequence reset", "SELECT setval('customers_id_seq', 1, false)", "customers_id_seq"),
    Mutation("missing extension", "ALTER TABLE customers ALTER email TYPE text; DROP EXTENSION citext", "citext"),
    Mutation("missing grant", "REVOKE SELECT ON invoices FROM PUBLIC", "invoices"),
    Mutation("missing comment", "COMMENT ON TABLE invoices IS NULL", "invoices"),
    Mutation("missing default", "ALTER TABLE customers ALTER mood DROP DEFAULT", "customers"),
    Mutation("no generated column", "ALTER TABLE invoices ALTER gross DROP EXPRESSION", "invoices"),
    Mutation("no identity", "ALTER TABLE invoices ALTER id DROP IDENTITY", "invoices"),
    Mutation("another owner", "ALTER TABLE events OWNER TO pg_monitor", "events"),
    Mutation("another column type", "ALTER TABLE events ALTER what TYPE varchar(200)", "events"),
    Mutation("another enum label", "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'", "mood"),
    Mutation("domain without its check", "ALTER DOMAIN amount DROP CONSTRAINT amount_check", "amount"),
)
