-- Tables and views of the database: name, whether it is a view.
SELECT table_name, table_type LIKE '%VIEW' FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW')
ORDER BY table_name
