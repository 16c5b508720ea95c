-- Extended statistics. Not by pg_get_statisticsobjdef: it leaves out the parentheses that normalise goes by. "No target
-- of its own" is -1 up to 16 and NULL from 17 on.
SELECT (pg_identify_object('pg_catalog.pg_statistic_ext'::regclass, s.oid, 0)).identity,
       concat_ws(E'\n',
           'on ' || s.stxrelid::regclass,
           'kinds ' || (SELECT string_agg(k::text, ', ' ORDER BY k::text) FROM unnest(s.stxkind) k),
           'columns ' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname)
                          FROM pg_catalog.pg_attribute a
                          WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys)),
           'expressions ' || array_to_string(pg_get_statisticsobjdef_expressions(s.oid), ', '), -- since 14
           'statistics ' || nullif(s.stxstattarget, -1))
FROM pg_catalog.pg_statistic_ext s
JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_statistic_ext'::regclass AND e.objid = s.oid AND e.deptype = 'e')
