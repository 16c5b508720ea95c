-- Comments on whatever can have one. An extension's parts are left out, as in a dump; `public` is reported only where
-- its comment is not the one that every new database has. Indexes, constraints, triggers and rules are the extension's
-- if their table is.
WITH part (classid, objid, relid) AS (
    SELECT 'pg_catalog.pg_class'::regclass, x.indexrelid, x.indrelid FROM pg_catalog.pg_index x
    UNION ALL SELECT 'pg_catalog.pg_constraint'::regclass, k.oid, k.conrelid FROM pg_catalog.pg_constraint k
    UNION ALL SELECT 'pg_catalog.pg_trigger'::regclass, t.oid, t.tgrelid FROM pg_catalog.pg_trigger t
    UNION ALL SELECT 'pg_catalog.pg_rewrite'::regclass, r.oid, r.ev_class FROM pg_catalog.pg_rewrite r
)
SELECT i.type || ' ' || i.identity, quote_literal(d.description)
FROM pg_catalog.pg_description d
LEFT JOIN part p ON p.classid = d.classoid AND p.objid = d.objoid
LEFT JOIN pg_catalog.pg_class c
       ON c.oid = CASE WHEN p.relid <> 0 THEN p.relid
                       WHEN d.classoid = 'pg_catalog.pg_class'::regclass THEN d.objoid END
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
WHERE d.objoid >= 16384 AND i.identity IS NOT NULL  -- a dropped subscription leaves its comment behind
  AND coalesce(n.nspname, i.schema, '') <> 'information_schema' AND coalesce(n.nspname, i.schema, '') !~ '^pg_'
  AND NOT (d.classoid = 'pg_catalog.pg_extension'::regclass AND i.identity = 'plpgsql')
  AND NOT (d.classoid = 'pg_catalog.pg_namespace'::regclass AND i.identity = 'public')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE (e.classid, e.objid) IN ((d.classoid, d.objoid), ('pg_catalog.pg_class'::regclass, c.oid))
                    AND e.deptype = 'e')
UNION ALL
SELECT 'schema public', coalesce(quote_literal(obj_description(n.oid, 'pg_namespace')), 'none')
FROM pg_catalog.pg_namespace n
WHERE n.nspname = 'public' AND obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM 'standard public schema'
