-- Tables with rows of a database.
SELECT table_name FROM information_schema.tables
WHERE table_schema = %(name)s AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
ORDER BY data_length + index_length DESC, table_name
