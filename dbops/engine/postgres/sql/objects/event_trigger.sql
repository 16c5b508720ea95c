-- Event triggers.
SELECT (pg_identify_object('pg_catalog.pg_event_trigger'::regclass, t.oid, 0)).identity,
       concat_ws(E'\n', t.evtevent, 'tags ' || (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(t.evttags) o),
           'execute ' || t.evtfoid::regprocedure,
           CASE t.evtenabled WHEN 'O' THEN NULL WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'enabled replica'
                             ELSE 'enabled always' END)
FROM pg_catalog.pg_event_trigger t
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_event_trigger'::regclass AND e.objid = t.oid AND e.deptype = 'e')
