-- Privileges on everything, as far as they are about what is in a database: grantee, privilege, grantable.
SELECT p.grantee, p.privilege_type, p.is_grantable
FROM information_schema.user_privileges p
WHERE p.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'DROP', 'REFERENCES', 'INDEX', 'ALTER',
                           'CREATE TEMPORARY TABLES', 'LOCK TABLES', 'EXECUTE', 'CREATE VIEW', 'SHOW VIEW',
                           'CREATE ROUTINE', 'ALTER ROUTINE', 'EVENT', 'TRIGGER', 'DELETE HISTORY',
                           'DELETE VERSIONING ROWS', 'SHOW CREATE ROUTINE')
