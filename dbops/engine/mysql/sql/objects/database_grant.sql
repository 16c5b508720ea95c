-- Privileges on the database as a whole. A name in a grant is a pattern: this one's own, with or without backslashes.
SELECT p.grantee, CONCAT(p.privilege_type, CASE p.is_grantable WHEN 'YES' THEN ' (grantable)' ELSE '' END)
FROM information_schema.schema_privileges p
WHERE REPLACE(p.table_schema, '\\', '') = DATABASE()
