-- Partition trees: the key of a partitioned table, the parent and bound of a partition.
SELECT (pg_identify_object('pg_catalog.pg_class'::regclass, c.oid, 0)).identity,
       concat_ws(E'\n',
           'partition of ' || i.inhparent::regclass,
           pg_get_expr(c.relpartbound, c.oid),
           CASE WHEN (to_jsonb(i) ->> 'inhdetachpending')::boolean THEN 'detach pending' END,
           'partition by ' || pg_get_partkeydef(c.oid))
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
WHERE (c.relkind = 'p' OR c.relispartition AND c.relkind IN ('r', 'f'))
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
