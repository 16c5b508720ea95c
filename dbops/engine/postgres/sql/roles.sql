-- Roles that objects of this database refer to (as owner, in grants, in policies), and the roles they are members of.
-- Built-in roles exist everywhere.
WITH RECURSIVE needed AS (
    SELECT d.refobjid AS oid
    FROM pg_shdepend d
    WHERE d.refclassid = 'pg_authid'::regclass
      AND (d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
           OR (d.classid = 'pg_database'::regclass
               AND d.objid = (SELECT oid FROM pg_database WHERE datname = current_database())))
    UNION SELECT datdba FROM pg_database WHERE datname = current_database()
    UNION SELECT nspowner FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
    UNION SELECT s.setrole FROM pg_db_role_setting s JOIN pg_database b ON b.oid = s.setdatabase
          WHERE b.datname = current_database() AND s.setrole <> 0
    UNION SELECT m.roleid FROM needed n JOIN pg_auth_members m ON m.member = n.oid
)
SELECT r.rolname
FROM needed n JOIN pg_roles r USING (oid)
WHERE r.rolname NOT LIKE 'pg\_%'
ORDER BY 1
