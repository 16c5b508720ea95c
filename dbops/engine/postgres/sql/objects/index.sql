-- Indexes, with the flags that the definition does not print. pg_dump drops an invalid index in silence, so the flag is
-- here: such an index is missing, or different, in every copy.
SELECT (pg_identify_object('pg_catalog.pg_class'::regclass, x.indexrelid, 0)).identity,
       concat_ws(E'\n',
           pg_get_indexdef(x.indexrelid),
           -- at the top of partitions only if one has no valid index: a restore attaches all, which makes it valid
           CASE WHEN NOT x.indisvalid AND NOT (c.relkind = 'p' AND NOT EXISTS (
                         SELECT FROM pg_catalog.pg_inherits p WHERE p.inhparent = c.oid AND NOT EXISTS (
                             SELECT FROM pg_catalog.pg_inherits i
                             JOIN pg_catalog.pg_index v ON v.indexrelid = i.inhrelid AND v.indisvalid
                             WHERE i.inhparent = x.indexrelid AND v.indrelid = p.inhrelid)))
                THEN 'invalid' END,
           CASE WHEN NOT x.indisready THEN 'not ready' END,
           CASE WHEN x.indisclustered THEN 'clustered' END,
           CASE WHEN x.indisreplident THEN 'replica identity' END,
           'partition of ' || (SELECT string_agg(i.inhparent::regclass::text, ', ')
                               FROM pg_catalog.pg_inherits i WHERE i.inhrelid = x.indexrelid),
           'statistics ' || (SELECT string_agg(a.attnum || '=' || a.attstattarget, ', ' ORDER BY a.attnum)
                             FROM pg_catalog.pg_attribute a
                             WHERE a.attrelid = x.indexrelid AND a.attstattarget >= 0))
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class c ON c.oid = x.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
