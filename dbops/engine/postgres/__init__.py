"""PostgreSQL, by psycopg, pg_dump, pg_restore and psql."""
