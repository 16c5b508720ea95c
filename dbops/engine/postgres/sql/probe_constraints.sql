-- Tables with what their own rows must satisfy: schema, name, bytes, primary key, checks [[name, expression,
-- validated]], columns that are NOT NULL [[column, constraint's name ('' before 18), validated]], the bound of a partition
-- or null, columns of a domain [[column, base type, domain]]. Texts are SQL that the server has printed.
SELECT n.nspname, c.relname, pg_table_size(c.oid),
       ARRAY(SELECT a.attname::text FROM pg_index i
             CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS x(num, place)
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = x.num
             WHERE i.indrelid = c.oid AND i.indisprimary AND x.place <= i.indnkeyatts ORDER BY x.place),
       (SELECT coalesce(jsonb_agg(jsonb_build_array(k.conname, pg_get_expr(k.conbin, k.conrelid), k.convalidated)
                                  ORDER BY k.conname), '[]')
        FROM pg_constraint k
        WHERE k.conrelid = c.oid AND k.contype = 'c' AND (to_jsonb(k) ->> 'conenforced') IS DISTINCT FROM 'false'),
       (SELECT coalesce(jsonb_agg(jsonb_build_array(a.attname, coalesce(k.conname, ''), coalesce(k.convalidated, true))
                                  ORDER BY a.attnum), '[]')
        FROM pg_attribute a
        LEFT JOIN pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull),
       CASE WHEN c.relispartition THEN pg_get_partition_constraintdef(c.oid) END,
       (WITH RECURSIVE down AS (
            SELECT a.attname, a.attnum, a.atttypid AS domain, t.typbasetype AS base,
                   t.typnotnull OR EXISTS (SELECT FROM pg_constraint k WHERE k.contypid = t.oid) AS bound
            FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid AND t.typtype = 'd'
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL
            SELECT d.attname, d.attnum, d.domain, t.typbasetype,
                   d.bound OR t.typnotnull OR EXISTS (SELECT FROM pg_constraint k WHERE k.contypid = t.oid)
            FROM down d JOIN pg_type t ON t.oid = d.base AND t.typtype = 'd')
        SELECT coalesce(jsonb_agg(jsonb_build_array(d.attname, format_type(d.base, -1), format_type(d.domain, NULL))
                                  ORDER BY d.attnum), '[]')
        FROM down d JOIN pg_type t ON t.oid = d.base AND t.typtype <> 'd'
        WHERE d.bound)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend e
                  WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY 1, 2
