-- Columns of all tables, in their order: what an insert must know of them.
SELECT table_name, column_name, LOWER(data_type), LOWER(column_type), COALESCE(character_maximum_length, 0),
       is_nullable = 'YES', COALESCE(extra, ''), COALESCE(column_default, '')
FROM information_schema.columns
WHERE table_schema = DATABASE()
ORDER BY table_name, ordinal_position
