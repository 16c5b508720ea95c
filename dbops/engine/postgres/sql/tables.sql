-- Tables whose rows pg_dump writes, largest first, with the columns of its COPY in attribute order (generated columns are
-- left out there too). Of extensions, only their configuration tables, under the condition that the extension registered
-- with pg_extension_config_dump().
--
-- reading: 'ordered' for ordinary tables and partitions, whose heap order survives a dump and a restore. A tree that is
-- hash-partitioned by an enum is loaded through its root, since the hash hangs on OIDs (getPartitioningInfo in pg_dump.c):
-- its rows move between partitions, so that part is one entry under its root's name, 'unordered'; and 'counted' where
-- a partition has its columns in an order of its own.
WITH RECURSIVE hashed AS (
    SELECT p.partrelid AS oid FROM pg_partitioned_table p
    WHERE p.partstrat = 'h'
      AND (SELECT o.oid FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod
           WHERE o.opcname = 'enum_ops' AND o.opcnamespace = 'pg_catalog'::regnamespace AND m.amname = 'hash')
          = ANY (p.partclass::oid[])
), unsafe AS (
    SELECT h.oid FROM hashed h
    UNION
    SELECT i.inhparent FROM unsafe u JOIN pg_inherits i ON i.inhrelid = u.oid
), roots AS (
    SELECT u.oid FROM unsafe u JOIN pg_class c USING (oid) WHERE NOT c.relispartition
), members AS (
    -- Only what lies below a hashed one: its siblings are loaded into themselves.
    SELECT r.oid AS root, t.relid FROM roots r, pg_partition_tree(r.oid) t
    WHERE EXISTS (SELECT FROM pg_partition_ancestors(t.relid) a(relid) JOIN hashed h ON h.oid = a.relid
                  WHERE a.relid <> t.relid)
), copied AS (
    SELECT c.oid,
           coalesce((SELECT array_agg(a.attname::text ORDER BY a.attnum)
                     FROM pg_attribute a
                     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''), '{}') AS columns
    FROM pg_class c WHERE c.relkind IN ('r', 'p')
)
SELECT n.nspname,
       c.relname,
       k.columns,
       CASE WHEN c.relkind = 'p' THEN (SELECT coalesce(sum(pg_table_size(m.relid)), 0)::bigint FROM members m WHERE m.root = c.oid)
            ELSE coalesce(pg_table_size(c.oid), 0) END,
       coalesce(x.condition,
                CASE c.relkind WHEN 'p' THEN (SELECT format('WHERE tableoid IN (%s)', string_agg(m.relid::oid::text, ', '))
                                              FROM members m WHERE m.root = c.oid) END,
                ''),
       CASE WHEN c.relkind = 'r' THEN 'ordered'
            WHEN EXISTS (SELECT FROM members m JOIN copied l ON l.oid = m.relid
                         WHERE m.root = c.oid AND l.columns <> k.columns) THEN 'counted'
            ELSE 'unordered' END,
       CASE WHEN c.relkind = 'p' THEN ARRAY(SELECT m.relid FROM members m WHERE m.root = c.oid) ELSE ARRAY[c.oid] END
FROM pg_class c
JOIN copied k ON k.oid = c.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.objsubid = 0 AND e.deptype = 'e'
LEFT JOIN LATERAL (SELECT t.condition FROM pg_extension x,
                          unnest(x.extconfig, x.extcondition) AS t(relation, condition)
                   WHERE x.oid = e.refobjid AND t.relation = c.oid) x ON true
WHERE (c.relkind = 'r' AND NOT EXISTS (SELECT FROM members m WHERE m.relid = c.oid)
       OR c.oid IN (SELECT r.oid FROM roots r))
  AND c.relpersistence <> 't'
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
  AND (e.objid IS NULL OR x.condition IS NOT NULL)
ORDER BY 4 DESC, 1, 2
