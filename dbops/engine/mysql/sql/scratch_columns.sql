-- Of every table: its columns by name, without those that the server numbers.
SELECT c.table_name, c.column_name
FROM information_schema.columns c
WHERE c.table_schema = DATABASE() AND c.extra NOT LIKE '%auto_increment%'
ORDER BY c.table_name, c.column_name
