-- Of the named tables (schemas, names; two arrays), those that are not what the snapshot sees: rewritten, truncated,
-- dropped or exchanged since. pg_class is read in the snapshot, to_regclass() and pg_relation_filenode() look at now. To
-- the snapshot such a table would look empty.
SELECT format('%%I.%%I', t.nspname, t.relname)
FROM unnest(%(schemas)s::text[], %(names)s::text[]) AS t(nspname, relname)
LEFT JOIN pg_namespace n ON n.nspname = t.nspname
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.relname
WHERE c.relkind = 'r'
  AND pg_relation_filenode(to_regclass(format('%%I.%%I', t.nspname, t.relname))) IS DISTINCT FROM c.relfilenode
ORDER BY 1
