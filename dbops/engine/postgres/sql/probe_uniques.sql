-- What no two rows of a table may share: valid unique indexes, and exclusion constraints (in 18 also keys WITHOUT
-- OVERLAPS). One row each: schema, table, label, bytes, keys [[expression, collation or null]], the index's predicate or
-- null, whether NULLs are equal too, operators [[schema, name]] (null: plain equality), whether that is the equality
-- of the types themselves.
SELECT n.nspname, c.relname, format('%I ON %I.%I', x.relname, n.nspname, c.relname), pg_table_size(c.oid),
       (SELECT jsonb_agg(jsonb_build_array(
                   pg_get_indexdef(i.indexrelid, k.place::int, false),
                   (SELECT format('%I.%I', cn.nspname, l.collname)
                    FROM pg_collation l JOIN pg_namespace cn ON cn.oid = l.collnamespace
                    WHERE l.oid = (i.indcollation::oid[])[k.place - 1])) ORDER BY k.place)
        FROM generate_series(1, i.indnkeyatts) AS k(place)),
       pg_get_expr(i.indpred, i.indrelid),
       coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false),
       (SELECT jsonb_agg(jsonb_build_array(pn.nspname, p.oprname) ORDER BY o.place)
        FROM unnest(e.conexclop) WITH ORDINALITY AS o(oid, place)
        JOIN pg_operator p ON p.oid = o.oid JOIN pg_namespace pn ON pn.oid = p.oprnamespace),
       (SELECT bool_and(o.opcdefault OR o.opcname LIKE '%pattern\_ops')
        FROM unnest(i.indclass::oid[]) AS y(oid) JOIN pg_opclass o ON o.oid = y.oid)
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid AND x.relkind = 'i'
JOIN pg_am m ON m.oid = x.relam
JOIN pg_class c ON c.oid = i.indrelid AND c.relkind IN ('r', 'm')
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint e ON e.conindid = i.indexrelid AND e.conexclop IS NOT NULL
WHERE i.indisvalid AND i.indisready AND c.relpersistence <> 't'
  AND (e.oid IS NOT NULL OR i.indisunique AND m.amname = 'btree')
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend e
                  WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY 3
