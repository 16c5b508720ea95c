-- Plain and partitioned tables: what is not said by their columns, constraints and indexes. Tablespaces are left out:
-- they belong to a machine.
SELECT (pg_identify_object('pg_catalog.pg_class'::regclass, c.oid, 0)).identity,
       concat_ws(E'\n',
           CASE c.relkind WHEN 'p' THEN 'partitioned table' ELSE 'table' END,
           CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
           'access method ' || am.amname,
           'of ' || format_type(nullif(c.reloftype, 0), NULL),
           'with ' || (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) o),
           'toast with ' || (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(toast.reloptions) o),
           'replica identity ' || nullif(c.relreplident::text, 'd'),
           CASE WHEN c.relrowsecurity THEN 'row level security' END,
           CASE WHEN c.relforcerowsecurity THEN 'force row level security' END)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
LEFT JOIN pg_catalog.pg_class toast ON toast.oid = c.reltoastrelid
WHERE c.relkind IN ('r', 'p')
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
