-- Tables whose rows a dump holds. Not those of engines that manage data elsewhere: their rows are in other tables, or on
-- another server, and mysqldump and mariadb-dump leave them out. A table that the server cannot open has no engine.
SELECT table_name, COALESCE(data_length, 0) + COALESCE(index_length, 0), table_type
FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
  AND COALESCE(engine, '') NOT IN ('MRG_MYISAM', 'MRG_MyISAM', 'FEDERATED', 'CONNECT', 'OQGRAPH', 'SPIDER', 'VP')
ORDER BY 2 DESC, 1
