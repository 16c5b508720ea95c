-- What is printed by SHOW CREATE: kind, the word of the statement, name; tables first.
SELECT CASE t.table_type WHEN 'VIEW' THEN 'view' WHEN 'SEQUENCE' THEN 'sequence' ELSE 'table' END AS kind,
       CASE t.table_type WHEN 'VIEW' THEN 'VIEW' WHEN 'SEQUENCE' THEN 'SEQUENCE' ELSE 'TABLE' END, t.table_name
FROM information_schema.tables t
WHERE t.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW', 'SEQUENCE')
UNION ALL
SELECT 'routine', r.routine_type, r.routine_name FROM information_schema.routines r WHERE r.routine_schema = DATABASE()
UNION ALL
SELECT 'event', 'EVENT', e.event_name FROM information_schema.events e WHERE e.event_schema = DATABASE()
