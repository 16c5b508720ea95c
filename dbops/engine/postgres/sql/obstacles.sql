-- Why a dump as this role would fail or be partial. One row an obstacle: kind, name. Superusers meet none of these.
WITH visible AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.relrowsecurity,
           EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
               AND NOT EXISTS (SELECT FROM pg_extension x WHERE c.oid = ANY (x.extconfig)) AS skipped
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't'
      AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
)
SELECT 'schema', format('%I', n.nspname)
FROM pg_namespace n
WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND NOT has_schema_privilege(n.oid, 'USAGE')
UNION ALL
SELECT CASE relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, format('%I.%I', nspname, relname)
FROM visible
WHERE NOT skipped
  AND CASE relkind WHEN 'S' THEN NOT has_sequence_privilege(oid, 'SELECT') ELSE NOT has_table_privilege(oid, 'SELECT') END
UNION ALL
SELECT 'row-security', format('%I.%I', nspname, relname) FROM visible WHERE relkind = 'r' AND row_security_active(oid)
UNION ALL
SELECT 'large-object', oid::text
FROM pg_largeobject_metadata l
WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = current_user AND r.rolsuper)
  AND NOT pg_has_role(l.lomowner, 'USAGE')
  AND NOT EXISTS (SELECT FROM aclexplode(l.lomacl) a
                  WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))
  AND current_setting('lo_compat_privileges') = 'off'
ORDER BY 1, 2
