-- Inheritance other than partitioning: the parents of a table in their order.
SELECT (pg_identify_object('pg_catalog.pg_class'::regclass, c.oid, 0)).identity,
       string_agg('inherits ' || i.inhparent::regclass, E'\n' ORDER BY i.inhseqno)
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relkind IN ('r', 'f') AND NOT c.relispartition
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
GROUP BY c.oid
