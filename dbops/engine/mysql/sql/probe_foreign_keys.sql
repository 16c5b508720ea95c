-- Foreign keys, a row a column, in the key's order: name, table, column and its type; database, table, column and its
-- type to which it refers, the type NULL where there is no such column.
SELECT k.constraint_name, k.table_name, k.column_name, LOWER(c.data_type), LOWER(c.column_type),
       k.referenced_table_schema, k.referenced_table_name, k.referenced_column_name, LOWER(r.column_type),
       k.referenced_table_schema = DATABASE()
FROM information_schema.key_column_usage k
JOIN information_schema.columns c
  ON c.table_schema = DATABASE() AND c.table_name = k.table_name AND c.column_name = k.column_name
LEFT JOIN information_schema.columns r
  ON r.table_schema = k.referenced_table_schema AND r.table_name = k.referenced_table_name
 AND r.column_name = k.referenced_column_name
WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL
ORDER BY k.table_name, k.constraint_name, k.ordinal_position
