-- Indexes that are switched off (ALTER TABLE … DISABLE KEYS): table, index.
SELECT DISTINCT table_name, index_name FROM information_schema.statistics
WHERE table_schema = DATABASE() AND comment = 'disabled'
ORDER BY table_name, index_name
