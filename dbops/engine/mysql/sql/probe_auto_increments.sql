-- AUTO_INCREMENT columns that number a whole table, which is so where an index begins with them: table, column, type,
-- next value.
SELECT t.table_name, c.column_name, LOWER(c.column_type), COALESCE(t.auto_increment, 1)
FROM information_schema.tables t
JOIN information_schema.columns c ON c.table_schema = DATABASE() AND c.table_name = t.table_name
WHERE t.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
  AND c.extra LIKE '%auto_increment%'
  AND EXISTS (SELECT 1 FROM information_schema.statistics s
              WHERE s.table_schema = DATABASE() AND s.table_name = t.table_name
                AND s.column_name = c.column_name AND s.seq_in_index = 1)
ORDER BY t.table_name
