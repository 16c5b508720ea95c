-- Columns of tables. Of a default, MySQL tells an expression from a text in `extra`, MariaDB by quotes. A point in time
-- is kept by MySQL as it was written, in whatever time zone; `printed.of_table` reads it. MariaDB can have a column
-- without any default that may be NULL; a dump makes it DEFAULT NULL.
SELECT CONCAT(c.table_name, '.', c.column_name),
       CONCAT_WS(' ', c.column_type, CONCAT('collate ', c.collation_name),
                 CASE c.is_nullable WHEN 'NO' THEN 'not null' END,
                 CASE WHEN c.data_type = 'timestamp' AND c.column_default REGEXP '^[0-9]' THEN NULL  -- mysql
                      WHEN c.column_default IS NOT NULL THEN CONCAT('default ', QUOTE(c.column_default)) END,  -- mysql
                 CONCAT('default ', COALESCE(c.column_default, CASE c.is_nullable WHEN 'YES' THEN 'NULL' END)),  -- mariadb
                 NULLIF(c.extra, ''),
                 CONCAT('as ', NULLIF(c.generation_expression, '')),
                 CONCAT('srid ', c.srs_id),  -- mysql
                 NULL)
FROM information_schema.columns c
JOIN information_schema.tables t ON t.table_schema = DATABASE() AND t.table_name = c.table_name
WHERE c.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
