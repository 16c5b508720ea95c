-- Schemas. `public` is left out: every new database has it and a dump never makes or drops it, so its existence says
-- nothing that the objects in it do not say. What was changed about it is in owner, grant and comment.
SELECT quote_ident(n.nspname), 'schema'
FROM pg_catalog.pg_namespace n
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND n.nspname <> 'public'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_namespace'::regclass AND e.objid = n.oid AND e.deptype = 'e')
