-- The named roles and their attributes. rolpassword is not readable here, and not wanted.
SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
       rolconnlimit, rolvaliduntil::text, coalesce(rolconfig, '{}'), shobj_description(oid, 'pg_authid')
FROM pg_roles
WHERE rolname = ANY (%s)
ORDER BY rolname
