-- The order of a table's columns; the rows of one table are put in order by their text.
SELECT c.table_name, CONCAT(LPAD(c.ordinal_position, 4, '0'), ' ', c.column_name)
FROM information_schema.columns c
JOIN information_schema.tables t ON t.table_schema = DATABASE() AND t.table_name = c.table_name
WHERE c.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
