-- Bytes of a database, by the server's estimate.
SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = %(name)s
