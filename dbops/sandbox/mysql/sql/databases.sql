-- Databases that somebody could keep something in, and whether there is anything in each.
SELECT s.schema_name,
       EXISTS (SELECT * FROM information_schema.tables t WHERE t.table_schema = s.schema_name)
       OR EXISTS (SELECT * FROM information_schema.routines r WHERE r.routine_schema = s.schema_name)
       OR EXISTS (SELECT * FROM information_schema.events e WHERE e.event_schema = s.schema_name) AS holds
FROM information_schema.schemata s
WHERE LOWER(s.schema_name) NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')
ORDER BY 1
