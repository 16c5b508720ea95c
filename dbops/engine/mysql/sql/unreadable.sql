-- The server says in the comment why it cannot open a table.
SELECT table_name, table_comment FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND engine IS NULL
ORDER BY table_name
