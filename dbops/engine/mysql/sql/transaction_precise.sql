-- System-versioned tables whose history is kept by transaction ids.
SELECT DISTINCT table_name FROM information_schema.columns
WHERE table_schema = DATABASE() AND generation_expression = 'ROW START' AND data_type = 'bigint'
