-- The owner of the database. A dump carries it only with --create.
SELECT '(database)', quote_ident(pg_get_userbyid(d.datdba))
FROM pg_catalog.pg_database d
WHERE d.datname = current_database()
