-- Every privilege on the database and what is in it: grantee as information_schema writes it ('user'@'host', unescaped),
-- what it is on, its name, column, privileges, and whether they may be passed on. A grant on a table outlives the table:
-- it cannot be given again.
SELECT p.grantee, 'database', '', '', p.privilege_type, p.is_grantable
FROM information_schema.schema_privileges p WHERE REPLACE(p.table_schema, '\\', '') = DATABASE()
UNION ALL
SELECT p.grantee, 'table', p.table_name, '', p.privilege_type, p.is_grantable
FROM information_schema.table_privileges p
JOIN information_schema.tables t ON t.table_schema = DATABASE() AND t.table_name = p.table_name
WHERE p.table_schema = DATABASE()
UNION ALL
SELECT p.grantee, 'table', p.table_name, p.column_name, p.privilege_type, p.is_grantable
FROM information_schema.column_privileges p
JOIN information_schema.columns c ON c.table_schema = DATABASE() AND c.table_name = p.table_name
     AND c.column_name = p.column_name
WHERE p.table_schema = DATABASE()
UNION ALL
SELECT CONCAT('''', p.user, '''@''', p.host, ''''), LOWER(p.routine_type), p.routine_name, '',
       CASE REPLACE(p.proc_priv, 'Grant', '') WHEN '' THEN 'Usage' ELSE TRIM(BOTH ',' FROM REPLACE(p.proc_priv, 'Grant', '')) END,
       CASE WHEN p.proc_priv LIKE '%Grant%' THEN 'YES' ELSE 'NO' END
FROM mysql.procs_priv p WHERE p.db = DATABASE()
