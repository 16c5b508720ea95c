-- What a database holds: tables, rows (the server's estimate), bytes, whether a restore in place is half done; its
-- character set and collation.
SELECT COUNT(t.table_name), COALESCE(SUM(t.table_rows), 0), COALESCE(SUM(t.data_length + t.index_length), 0),
       COALESCE(SUM(t.table_name = %(journal)s), 0), s.default_character_set_name, s.default_collation_name
FROM information_schema.schemata s
LEFT JOIN information_schema.tables t
    ON t.table_schema = s.schema_name AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
WHERE s.schema_name = %(name)s
GROUP BY s.schema_name, s.default_character_set_name, s.default_collation_name
