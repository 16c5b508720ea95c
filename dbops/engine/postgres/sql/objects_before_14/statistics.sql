-- As the file of this name in objects; expressions came with 14, and with them the function that prints them.
SELECT (pg_identify_object('pg_catalog.pg_statistic_ext'::regclass, s.oid, 0)).identity,
       concat_ws(E'\n', pg_get_statisticsobjdef(s.oid), 'statistics ' || nullif(s.stxstattarget, -1))
FROM pg_catalog.pg_statistic_ext s
JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_statistic_ext'::regclass AND e.objid = s.oid AND e.deptype = 'e')
