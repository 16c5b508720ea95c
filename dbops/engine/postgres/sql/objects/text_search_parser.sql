-- Text search parsers.
SELECT (pg_identify_object('pg_catalog.pg_ts_parser'::regclass, p.oid, 0)).identity,
       concat_ws(E'\n', 'start ' || p.prsstart::regprocedure, 'token ' || p.prstoken::regprocedure,
           'end ' || p.prsend::regprocedure, 'headline ' || nullif(p.prsheadline, 0)::regprocedure,
           'types ' || p.prslextype::regprocedure)
FROM pg_catalog.pg_ts_parser p
JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_ts_parser'::regclass AND e.objid = p.oid AND e.deptype = 'e')
