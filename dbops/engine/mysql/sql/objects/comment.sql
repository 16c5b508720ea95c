-- Comments on tables and columns; those on indexes, routines and events are part of their definitions.
SELECT CONCAT('table ', t.table_name), QUOTE(t.table_comment)
FROM information_schema.tables t
WHERE t.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND t.table_comment <> ''
UNION ALL
SELECT CONCAT('column ', c.table_name, '.', c.column_name), QUOTE(c.column_comment)
FROM information_schema.columns c
JOIN information_schema.tables t ON t.table_schema = DATABASE() AND t.table_name = c.table_name
WHERE c.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND c.column_comment <> ''
