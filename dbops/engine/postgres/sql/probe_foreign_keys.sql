-- Foreign keys that are not part of another one (as those of partitions are): name as in source_warnings, the
-- referencing table (schema, name, partitioned), the referenced one, columns of both, equality operators
-- [[schema, name]], collations of the referenced columns where they differ [[schema, name] or null], MATCH FULL,
-- validated, with PERIOD (18 and later), primary key of the referencing table, bytes.
SELECT format('%I ON %I.%I', k.conname, cn.nspname, c.relname),
       cn.nspname, c.relname, c.relkind = 'p',
       pn.nspname, p.relname, p.relkind = 'p',
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS x(num, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.num ORDER BY x.place),
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS x(num, place)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.num ORDER BY x.place),
       (SELECT jsonb_agg(jsonb_build_array(n.nspname, o.oprname) ORDER BY x.place)
        FROM unnest(k.conpfeqop) WITH ORDINALITY AS x(oid, place)
        JOIN pg_operator o ON o.oid = x.oid JOIN pg_namespace n ON n.oid = o.oprnamespace),
       (SELECT jsonb_agg(CASE WHEN f.attcollation <> r.attcollation THEN
                             (SELECT jsonb_build_array(n.nspname, l.collname)
                              FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
                              WHERE l.oid = r.attcollation) END ORDER BY x.place)
        FROM unnest(k.conkey, k.confkey) WITH ORDINALITY AS x(num, other, place)
        JOIN pg_attribute f ON f.attrelid = k.conrelid AND f.attnum = x.num
        JOIN pg_attribute r ON r.attrelid = k.confrelid AND r.attnum = x.other),
       k.confmatchtype = 'f',
       k.convalidated,
       coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false),
       ARRAY(SELECT a.attname::text FROM pg_index i
             CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS x(num, place)
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = x.num
             WHERE i.indrelid = k.conrelid AND i.indisprimary AND x.place <= i.indnkeyatts ORDER BY x.place),
       pg_table_size(k.conrelid) + pg_table_size(k.confrelid)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_class p ON p.oid = k.confrelid
JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND c.relpersistence <> 't'
  AND (to_jsonb(k) ->> 'conenforced') IS DISTINCT FROM 'false'
  AND cn.nspname <> 'information_schema' AND cn.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend e
                  WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY 1
