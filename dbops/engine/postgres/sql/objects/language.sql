-- Procedural languages that no extension brought.
SELECT (pg_identify_object('pg_catalog.pg_language'::regclass, l.oid, 0)).identity,
       concat_ws(E'\n', CASE WHEN l.lanpltrusted THEN 'trusted' ELSE 'untrusted' END,
           'handler ' || nullif(l.lanplcallfoid, 0)::regprocedure, 'inline ' || nullif(l.laninline, 0)::regprocedure,
           'validator ' || nullif(l.lanvalidator, 0)::regprocedure)
FROM pg_catalog.pg_language l
WHERE l.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_language'::regclass AND e.objid = l.oid AND e.deptype = 'e')
