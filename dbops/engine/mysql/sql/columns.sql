-- Columns of all tables of the database, in their order.
SELECT table_name, column_name, LOWER(data_type), COALESCE(character_set_name, ''), COALESCE(character_octet_length, 0),
       COALESCE(extra, ''), COALESCE(generation_expression, '')
FROM information_schema.columns
WHERE table_schema = DATABASE()
ORDER BY table_name, ordinal_position
