-- One of everything that a mutation can break. Small: it is dumped and restored once for each mutation.
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN amount AS numeric CHECK (VALUE >= 0);
CREATE TYPE place AS (street text, number int);
CREATE SCHEMA "odd name";

CREATE TABLE customers (
    id serial PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, note text, mood mood DEFAULT 'ok',
    email citext UNIQUE);
INSERT INTO customers (first_name, last_name, note, email)
    SELECT 'José ' || n, 'Müller ' || n, nullif('note ' || n % 5, 'note 0'), 'user' || n || '@example.org'
    FROM generate_series(1, 300) n;

CREATE TABLE invoices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id int NOT NULL CONSTRAINT invoices_customer REFERENCES customers,
    total numeric(12,2) CONSTRAINT invoices_total CHECK (total >= 0),
    gross numeric GENERATED ALWAYS AS (total * 1.16) STORED);
INSERT INTO invoices (customer_id, total) SELECT 1 + n % 300, n / 7.0 FROM generate_series(1, 2000) n;
CREATE INDEX invoices_by_customer ON invoices (customer_id);
COMMENT ON TABLE invoices IS 'what customers owe';
GRANT SELECT ON invoices TO PUBLIC;

CREATE TABLE events (at date NOT NULL, what text);
INSERT INTO events SELECT date '2024-06-01' + n, 'event ' || n FROM generate_series(1, 400) n;

CREATE TABLE kinds (
    id int PRIMARY KEY, f4 float4, f8 float8, n numeric, at timestamptz, local timestamp, day date, span interval,
    j jsonb, words text[], numbers int[], bytes bytea, mood mood, amount amount, period int4range, place place,
    code uuid, bits bit varying, address inet, flag boolean, cash money, x xml);
INSERT INTO kinds SELECT n, n / 3.0, n / 3.0, n / 4.0, timestamptz '2026-03-29 01:30+00' + n * interval '1 min',
    timestamp '2026-03-29 02:30' + n * interval '1 s', date '2026-01-01' + n, n * interval '1 h', 
    jsonb_build_object('n', n, 'list', jsonb_build_array(n, null)), ARRAY['a', n::text], ARRAY[n, n + 1],
    decode(md5(n::text), 'hex'), 'ok', n, int4range(n, n + 5), ('Main', n)::place, md5(n::text)::uuid, n::bit(16),
    ('10.0.0.' || n)::inet, n % 2 = 0, n::money, ('<n>' || n || '</n>')::xml
    FROM generate_series(1, 50) n;
UPDATE kinds SET f8 = 0, f4 = 0 WHERE id = 7;
UPDATE kinds SET n = 'NaN', f8 = 'NaN' WHERE id = 8;

CREATE TABLE "odd name"."a ""table"" of %s; --" (id int PRIMARY KEY, "Ünïcode" text);
INSERT INTO "odd name"."a ""table"" of %s; --" SELECT n, 'row ' || n FROM generate_series(1, 20) n;

CREATE VIEW open_invoices AS SELECT * FROM invoices WHERE total > 100;
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum(total) AS total FROM invoices GROUP BY 1;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.note := 'touched'; RETURN NEW; END$$;
CREATE TRIGGER touch BEFORE UPDATE OF last_name ON customers FOR EACH ROW EXECUTE FUNCTION touch();
CREATE PROCEDURE tidy() LANGUAGE sql AS 'DELETE FROM public.events WHERE at < ''2000-01-01''';
CREATE SEQUENCE tickets START 100;
SELECT nextval('tickets');
SELECT lo_from_bytea(4711, 'a large object'), lo_from_bytea(4712, 'another');
ANALYZE;
