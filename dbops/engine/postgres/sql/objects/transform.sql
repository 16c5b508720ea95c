-- Transforms between types and languages. Not named by pg_identify_object: releases differ in how it names them.
SELECT format('%s language %I', format_type(t.trftype, NULL), l.lanname),
       concat_ws(E'\n', 'transform', 'from sql ' || nullif(t.trffromsql, 0)::regprocedure,
                 'to sql ' || nullif(t.trftosql, 0)::regprocedure)
FROM pg_catalog.pg_transform t
JOIN pg_catalog.pg_language l ON l.oid = t.trflang
WHERE t.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_transform'::regclass AND e.objid = t.oid AND e.deptype = 'e')
