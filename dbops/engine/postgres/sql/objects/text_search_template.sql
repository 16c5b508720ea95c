-- Text search templates.
SELECT (pg_identify_object('pg_catalog.pg_ts_template'::regclass, t.oid, 0)).identity,
       concat_ws(E'\n', 'init ' || nullif(t.tmplinit, 0)::regprocedure, 'lexize ' || t.tmpllexize::regprocedure)
FROM pg_catalog.pg_ts_template t
JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_ts_template'::regclass AND e.objid = t.oid AND e.deptype = 'e')
