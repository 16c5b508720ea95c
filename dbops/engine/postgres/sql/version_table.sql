-- The schemas that have the version table of a migration tool: one that is named, or all.
SELECT n.nspname
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'version_num' AND NOT a.attisdropped
WHERE c.relname = %(table)s
  AND c.relkind IN ('r', 'p')
  AND (%(schema)s::text IS NULL OR n.nspname = %(schema)s)
  AND n.nspname <> 'information_schema'
  AND n.nspname NOT LIKE 'pg\_%%'
ORDER BY 1
