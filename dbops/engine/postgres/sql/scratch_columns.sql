-- Of every table: its columns by name, without those that a sequence fills and those of foreign keys.
SELECT n.nspname, c.relname, coalesce(array_agg(a.attname ORDER BY a.attname) FILTER (
         WHERE a.attidentity = ''
           AND coalesce(pg_get_expr(d.adbin, d.adrelid), '') NOT LIKE '%nextval(%'
           AND NOT EXISTS (SELECT FROM pg_constraint f
                           WHERE f.conrelid = c.oid AND f.contype = 'f' AND a.attnum = ANY (f.conkey))), '{}')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND c.relpersistence <> 't'
GROUP BY n.nspname, c.relname
ORDER BY n.nspname, c.relname
