-- The comment on the database. A dump carries it only with --create.
SELECT '(database)', quote_literal(shobj_description(d.oid, 'pg_database'))
FROM pg_catalog.pg_database d
WHERE d.datname = current_database() AND shobj_description(d.oid, 'pg_database') IS NOT NULL
