-- Foreign tables: server and options. Option values that look like credentials are hidden.
SELECT (pg_identify_object('pg_catalog.pg_class'::regclass, c.oid, 0)).identity,
       concat_ws(E'\n', format('foreign table of server %I', s.srvname),
           'options ' || :shown_options)
FROM (SELECT *, ftoptions AS options FROM pg_catalog.pg_foreign_table) f
JOIN pg_catalog.pg_class c ON c.oid = f.ftrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
