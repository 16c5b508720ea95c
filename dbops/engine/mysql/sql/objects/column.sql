-- Columns of tables. Of a default, MySQL tells an expression from a text in `extra`, MariaDB by quotes.
SELECT CONCAT(c.table_name, '.', c.column_name),
       CONCAT_WS(' ', c.column_type, CONCAT('collate ', c.collation_name),
                 CASE c.is_nullable WHEN 'NO' THEN 'not null' END,
                 CASE WHEN c.column_default IS NOT NULL THEN CONCAT('default ', QUOTE(c.column_default)) END,  -- mysql
                 CONCAT('default ', c.column_default),  -- mariadb
                 NULLIF(c.extra, ''),
                 CONCAT('as ', NULLIF(c.generation_expression, '')),
                 CONCAT('srid ', c.srs_id),  -- mysql
                 NULL)
FROM information_schema.columns c
JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
