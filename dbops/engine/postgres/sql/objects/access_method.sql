-- Access methods that do not come with the server.
SELECT (pg_identify_object('pg_catalog.pg_am'::regclass, a.oid, 0)).identity,
       format('type %s handler %s', a.amtype, a.amhandler::regprocedure)
FROM pg_catalog.pg_am a
WHERE a.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_am'::regclass AND e.objid = a.oid AND e.deptype = 'e')
