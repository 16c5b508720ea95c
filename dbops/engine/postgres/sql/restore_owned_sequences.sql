-- Sequences that fill a column (serial and identity): the column, which way they count, and the extension that they belong
-- to, if it does not have their positions dumped.
SELECT sn.nspname, s.relname, tn.nspname, t.relname, a.attname, q.seqincrement,
       (SELECT x.extname
        FROM pg_depend e JOIN pg_extension x ON x.oid = e.refobjid
        WHERE e.classid = 'pg_class'::regclass AND e.objid = s.oid AND e.refclassid = 'pg_extension'::regclass
          AND e.deptype = 'e' AND NOT s.oid = ANY (coalesce(x.extconfig, '{}')))
FROM pg_depend d
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_sequence q ON q.seqrelid = s.oid
JOIN pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p')
JOIN pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
  -- only where the greatest value is found in an index: no table is read for this
  AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indkey[0] = a.attnum AND i.indisvalid
                AND i.indpred IS NULL)
