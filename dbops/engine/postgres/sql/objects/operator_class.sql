-- Operator classes with the operators and functions bound to them.
SELECT (pg_identify_object('pg_catalog.pg_opclass'::regclass, c.oid, 0)).identity,
       concat_ws(E'\n',
           'for ' || format_type(c.opcintype, NULL), 'storage ' || format_type(nullif(c.opckeytype, 0), NULL),
           'family ' || (pg_identify_object('pg_catalog.pg_opfamily'::regclass, c.opcfamily, 0)).identity,
           CASE WHEN c.opcdefault THEN 'default' END,
           (SELECT string_agg(m.line, E'\n' ORDER BY m.line)
            FROM (SELECT format('operator %s %s for %s', o.amopstrategy, o.amopopr::regoperator, o.amoppurpose)
                         || coalesce(' order by ' || (pg_identify_object('pg_catalog.pg_opfamily'::regclass,
                                                                    nullif(o.amopsortfamily, 0), 0)).identity, '')
                  FROM pg_catalog.pg_amop o WHERE o.amopfamily = c.opcfamily AND EXISTS (
                      SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_amop'::regclass AND d.objid = o.oid AND d.deptype = 'i'
                        AND d.refclassid = 'pg_catalog.pg_opclass'::regclass AND d.refobjid = c.oid)
                  UNION ALL
                  SELECT format('function %s (%s, %s) %s', p.amprocnum, format_type(p.amproclefttype, NULL),
                                format_type(p.amprocrighttype, NULL), p.amproc::regprocedure)
                  FROM pg_catalog.pg_amproc p WHERE p.amprocfamily = c.opcfamily AND EXISTS (
                      SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_amproc'::regclass AND d.objid = p.oid AND d.deptype = 'i'
                        AND d.refclassid = 'pg_catalog.pg_opclass'::regclass AND d.refobjid = c.oid)) m (line)))
FROM pg_catalog.pg_opclass c
JOIN pg_catalog.pg_namespace n ON n.oid = c.opcnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_opclass'::regclass AND e.objid = c.oid AND e.deptype = 'e')
