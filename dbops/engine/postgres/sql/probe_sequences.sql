-- Sequences that this role may read and set, those of extensions too.
SELECT n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't'
  AND has_schema_privilege(n.oid, 'USAGE')
  -- not before the line above has said that these are sequences: the function refuses anything else
  AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT') AND has_sequence_privilege(c.oid, 'UPDATE')
      END
ORDER BY 1, 2
