-- Every table that is no view. Apart from its columns: a join within information_schema opens each table again and again.
SELECT t.table_name
FROM information_schema.tables t
WHERE t.table_schema = DATABASE() AND t.table_type = 'BASE TABLE'
ORDER BY t.table_name
