-- Enum, range, base and shell types. Composite types are in columns, domains in domain; array and multirange types are
-- made by the server (a multirange may be named, so its name is here).
SELECT (pg_identify_object('pg_catalog.pg_type'::regclass, t.oid, 0)).identity,
       CASE
           WHEN t.typtype = 'e' THEN
               'enum ' || coalesce((SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                                    FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid), '')
           WHEN t.typtype = 'r' THEN concat_ws(E'\n',
               'range of ' || format_type(r.rngsubtype, NULL),
               'multirange ' || format_type((to_jsonb(r) ->> 'rngmultitypid')::oid, NULL),
               'collation ' || nullif(r.rngcollation, 0)::regcollation,
               'operator class ' || (pg_identify_object('pg_catalog.pg_opclass'::regclass, r.rngsubopc, 0)).identity,
               'canonical ' || nullif(r.rngcanonical, 0)::regprocedure,
               'subtype diff ' || nullif(r.rngsubdiff, 0)::regprocedure)
           WHEN NOT t.typisdefined THEN 'shell type'
           ELSE concat_ws(E'\n',
               'base type',
               format('length %s, by value %s, alignment %s, storage %s, category %L, preferred %s, delimiter %L',
                      t.typlen, t.typbyval, t.typalign, t.typstorage, t.typcategory, t.typispreferred, t.typdelim),
               'input ' || t.typinput::regprocedure, 'output ' || t.typoutput::regprocedure,
               'receive ' || nullif(t.typreceive, 0)::regprocedure, 'send ' || nullif(t.typsend, 0)::regprocedure,
               'modifier input ' || nullif(t.typmodin, 0)::regprocedure,
               'modifier output ' || nullif(t.typmodout, 0)::regprocedure,
               'analyze ' || nullif(t.typanalyze, 0)::regprocedure,
               'subscript ' || nullif(to_jsonb(t) ->> 'typsubscript', '-'),
               'element ' || format_type(nullif(t.typelem, 0), NULL),
               'collation ' || nullif(t.typcollation, 0)::regcollation,
               'default ' || coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault)))
       END
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
WHERE t.typtype IN ('b', 'e', 'r', 'p')
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_type member WHERE member.typarray = t.oid)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e')
