-- Tables with rows of their own: name, engine ('' where the server cannot open it), bytes, whether it rolls back.
SELECT t.table_name, COALESCE(t.engine, ''), COALESCE(t.data_length, 0) + COALESCE(t.index_length, 0),
       COALESCE(e.transactions, '') = 'YES'
FROM information_schema.tables t LEFT JOIN information_schema.engines e ON e.engine = t.engine
WHERE t.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
  AND COALESCE(t.engine, '') NOT IN ('MRG_MYISAM', 'MRG_MyISAM', 'FEDERATED', 'CONNECT', 'OQGRAPH', 'SPIDER', 'VP')
ORDER BY t.table_name
