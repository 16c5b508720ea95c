-- The next value of each AUTO_INCREMENT column; a table that has never drawn one gives NULL.
SELECT t.table_name, c.column_name, COALESCE(t.auto_increment, 1)
FROM information_schema.tables t
JOIN information_schema.columns c ON c.table_schema = DATABASE() AND c.table_name = t.table_name
WHERE t.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
  AND c.extra LIKE '%auto_increment%'
