-- What a database holds: tables, rows (the server's estimate), bytes; its character set and collation. Each list by the name as a constant: MariaDB opens the tables of all databases for a join.
SELECT COUNT(*), COALESCE(SUM(table_rows), 0), COALESCE(SUM(data_length + index_length), 0),
       (SELECT default_character_set_name FROM information_schema.schemata WHERE schema_name = %(name)s),
       (SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = %(name)s)
FROM information_schema.tables
WHERE table_schema = %(name)s AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
