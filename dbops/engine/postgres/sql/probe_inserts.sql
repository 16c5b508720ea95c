-- Tables with a column that a sequence feeds (identity, or a default with nextval). Of each: schema, name, whether it is
-- partitioned, the fed columns, the others that can be given (no generated ones), the sequences [[schema, name]], the
-- unique indexes with a fed column in their key [[schema, name]], and what else may refuse a second row that equals an
-- existing one: constraints and unique indexes [[what, schema, table, name]]. Indexes and constraints of partitions
-- are among them, but for those that hang on one of their parent.
WITH fed AS (
    SELECT a.attrelid, a.attnum, a.attname, d.oid AS attrdef
    FROM pg_attribute a
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
      AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) ~ '\mnextval\(')
), tried AS (
    SELECT c.oid, c.relkind, n.nspname, c.relname,
           ARRAY(SELECT f.attname::text FROM fed f WHERE f.attrelid = c.oid ORDER BY f.attnum) AS fed
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
      AND c.oid IN (SELECT f.attrelid FROM fed f)
      -- a partition is tried through its root
      AND NOT (c.relispartition AND EXISTS (SELECT FROM fed f WHERE f.attrelid = pg_partition_root(c.oid)))
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT FROM pg_depend e
                      WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
), members AS (
    SELECT t.oid AS root, t.oid AS relid, t.fed FROM tried t WHERE t.relkind = 'r'
    UNION ALL
    SELECT t.oid, p.relid::oid, t.fed FROM tried t CROSS JOIN LATERAL pg_partition_tree(t.oid) p WHERE t.relkind = 'p'
), uniques AS (
    SELECT m.root, i.indexrelid, n.nspname, c.relname,
           EXISTS (SELECT FROM pg_attribute a
                   WHERE a.attrelid = i.indrelid AND a.attname::text = ANY (m.fed)
                     AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) AS by_sequence
    FROM members m
    JOIN pg_index i ON i.indrelid = m.relid AND i.indisunique
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
)
SELECT t.nspname, t.relname, t.relkind = 'p', t.fed,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
               AND a.attname::text <> ALL (t.fed)
             ORDER BY a.attnum),
       (SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_array(n.nspname, s.relname)), '[]')
        FROM fed f
        JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.attrdef AND d.refclassid = 'pg_class'::regclass
                         OR d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = f.attrelid
                            AND d.refobjsubid = f.attnum AND d.deptype = 'i'
        JOIN pg_class s ON s.oid = CASE WHEN d.classid = 'pg_attrdef'::regclass THEN d.refobjid ELSE d.objid END
                       AND s.relkind = 'S'
        JOIN pg_namespace n ON n.oid = s.relnamespace
        WHERE f.attrelid = t.oid),
       (SELECT coalesce(jsonb_agg(jsonb_build_array(u.nspname, u.relname)), '[]')
        FROM uniques u WHERE u.root = t.oid AND u.by_sequence),
       (SELECT coalesce(jsonb_agg(x.part ORDER BY x.part), '[]')
        FROM (SELECT jsonb_build_array('constraint', n.nspname, c.relname, k.conname) AS part
              FROM members m
              JOIN pg_constraint k ON k.conrelid = m.relid
              JOIN pg_class c ON c.oid = k.conrelid
              JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE m.root = t.oid AND k.contype IN ('c', 'u', 'p', 'x') AND k.conparentid = 0 AND k.coninhcount = 0
                AND NOT EXISTS (SELECT FROM uniques u WHERE u.indexrelid = k.conindid AND u.by_sequence)
              UNION ALL
              SELECT jsonb_build_array('index', u.nspname, '', u.relname)
              FROM uniques u
              WHERE u.root = t.oid AND NOT u.by_sequence
                AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = u.indexrelid AND k.contype IN ('u', 'p', 'x'))
                AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = u.indexrelid)) x)
FROM tried t
ORDER BY 1, 2
