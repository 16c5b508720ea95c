-- What amcheck can look at: valid B-tree and GIN indexes, heaps of tables and matviews, those of their TOAST
-- tables, and the catalog's. One row each: oid, kind (btree, gin, heap), label, of the catalog, bytes.
SELECT x.oid, m.amname::text, format('%I.%I of %I.%I', xn.nspname, x.relname, n.nspname, c.relname),
       n.nspname = 'pg_catalog', pg_relation_size(x.oid) + pg_relation_size(c.oid)
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid AND x.relkind = 'i'
JOIN pg_namespace xn ON xn.oid = x.relnamespace
JOIN pg_am m ON m.oid = x.relam AND m.amname IN ('btree', 'gin')
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisvalid AND i.indisready AND i.indislive AND x.relpersistence <> 't' AND c.relkind IN ('r', 'm', 't')
UNION ALL
SELECT c.oid, 'heap', format('%I.%I', n.nspname, c.relname), n.nspname = 'pg_catalog', pg_relation_size(c.oid)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_am m ON m.oid = c.relam AND m.amname = 'heap'
WHERE c.relkind IN ('r', 'm', 't') AND c.relpersistence <> 't'
ORDER BY 3
