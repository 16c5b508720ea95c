-- Views: the query, and the options (security_barrier, security_invoker, check_option).
SELECT (pg_identify_object('pg_catalog.pg_class'::regclass, c.oid, 0)).identity,
       concat_ws(E'\n', pg_get_viewdef(c.oid),
           'with ' || (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) o))
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'v'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
