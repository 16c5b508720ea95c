-- Operator families with all operators and functions in them.
SELECT (pg_identify_object('pg_catalog.pg_opfamily'::regclass, f.oid, 0)).identity,
       concat_ws(E'\n', 'operator family',
           (SELECT string_agg(m.line, E'\n' ORDER BY m.line)
            FROM (SELECT format('operator %s %s for %s', o.amopstrategy, o.amopopr::regoperator, o.amoppurpose)
                         || coalesce(' order by ' || (pg_identify_object('pg_catalog.pg_opfamily'::regclass,
                                                                    nullif(o.amopsortfamily, 0), 0)).identity, '')
                  FROM pg_catalog.pg_amop o WHERE o.amopfamily = f.oid
                  UNION ALL
                  SELECT format('function %s (%s, %s) %s', p.amprocnum, format_type(p.amproclefttype, NULL),
                                format_type(p.amprocrighttype, NULL), p.amproc::regprocedure)
                  FROM pg_catalog.pg_amproc p WHERE p.amprocfamily = f.oid) m (line)))
FROM pg_catalog.pg_opfamily f
JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_opfamily'::regclass AND e.objid = f.oid AND e.deptype = 'e')
