-- Domains with their constraints.
SELECT (pg_identify_object('pg_catalog.pg_type'::regclass, t.oid, 0)).identity,
       concat_ws(E'\n',
           'domain over ' || format_type(t.typbasetype, t.typtypmod),
           'collate ' || CASE WHEN t.typcollation <> b.typcollation THEN nullif(t.typcollation, 0)::regcollation END,
           CASE WHEN t.typnotnull THEN 'not null' END,
           'default ' || coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault)),
           (SELECT string_agg(format('%I %s', k.conname, pg_get_constraintdef(k.oid)), E'\n' ORDER BY k.conname)
            FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'))
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'd'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e')
