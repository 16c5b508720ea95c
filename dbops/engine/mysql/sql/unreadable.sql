-- The server says in the comment why it cannot open a view or table. A view's is 'VIEW' otherwise. MariaDB opens a view
-- only for a column that asks for it, such as create_time.
SELECT table_name, table_type, table_comment, create_time FROM information_schema.tables
WHERE table_schema = DATABASE()
  AND (table_type = 'VIEW' AND table_comment <> 'VIEW' OR table_type = 'BASE TABLE' AND engine IS NULL)
ORDER BY table_name
