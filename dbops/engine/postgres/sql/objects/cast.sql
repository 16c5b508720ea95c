-- Casts that do not come with the server.
SELECT (pg_identify_object('pg_catalog.pg_cast'::regclass, c.oid, 0)).identity,
       concat_ws(E'\n', 'cast', 'context ' || c.castcontext::text, 'method ' || c.castmethod::text,
                 'function ' || nullif(c.castfunc, 0)::regprocedure)
FROM pg_catalog.pg_cast c
WHERE c.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_cast'::regclass AND e.objid = c.oid AND e.deptype = 'e')
