-- Privileges on tables, views, sequences, columns and routines, as far as there are such.
SELECT CONCAT(p.table_name, ' to ', p.grantee),
       CONCAT(p.privilege_type, CASE p.is_grantable WHEN 'YES' THEN ' (grantable)' ELSE '' END)
FROM information_schema.table_privileges p
JOIN information_schema.tables t ON t.table_schema = DATABASE() AND t.table_name = p.table_name
WHERE p.table_schema = DATABASE()
UNION ALL
SELECT CONCAT(p.table_name, '.', p.column_name, ' to ', p.grantee),
       CONCAT(p.privilege_type, CASE p.is_grantable WHEN 'YES' THEN ' (grantable)' ELSE '' END)
FROM information_schema.column_privileges p
JOIN information_schema.columns c ON c.table_schema = DATABASE() AND c.table_name = p.table_name
     AND c.column_name = p.column_name
WHERE p.table_schema = DATABASE()
UNION ALL
SELECT CONCAT(LOWER(p.routine_type), ' ', p.routine_name, ' to ', QUOTE(p.user), '@', QUOTE(p.host)), p.proc_priv
FROM mysql.procs_priv p WHERE p.db = DATABASE()
