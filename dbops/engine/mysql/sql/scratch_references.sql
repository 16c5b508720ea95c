-- Columns of foreign keys.
SELECT k.table_name, k.column_name
FROM information_schema.key_column_usage k
WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL
