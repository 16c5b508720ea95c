-- ENUM and SET columns of which a member may not be printed as it is: table, column.
SELECT c.table_name, c.column_name
FROM information_schema.columns c
JOIN information_schema.tables t ON t.table_schema = DATABASE() AND t.table_name = c.table_name
WHERE c.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
  AND c.data_type IN ('enum', 'set') AND c.column_type LIKE '%?%'
  AND c.character_set_name IN ('utf8mb4', 'utf16', 'utf16le', 'utf32', 'gb18030')
ORDER BY 1, 2
