-- Columns whose default draws from a sequence: table, column, default.
SELECT table_name, column_name, column_default FROM information_schema.columns
WHERE table_schema = DATABASE() AND LOWER(column_default) LIKE '%nextval(%'
ORDER BY table_name, column_name
