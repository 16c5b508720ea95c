-- Materialized views: the query, whether they hold rows at all, access method and options.
SELECT (pg_identify_object('pg_catalog.pg_class'::regclass, c.oid, 0)).identity,
       concat_ws(E'\n', pg_get_viewdef(c.oid),
           CASE WHEN NOT c.relispopulated THEN 'not populated' END,
           'access method ' || am.amname,
           'with ' || (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) o),
           'toast with ' || (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(toast.reloptions) o))
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
LEFT JOIN pg_catalog.pg_class toast ON toast.oid = c.reltoastrelid
WHERE c.relkind = 'm'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
