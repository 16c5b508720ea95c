-- Collations, without collversion: it is the version of the library on the machine, and no dump carries it. The column
-- of the locale was called colliculocale in 15 and 16.
SELECT (pg_identify_object('pg_catalog.pg_collation'::regclass, c.oid, 0)).identity,
       concat_ws(E'\n',
           format('provider %s, deterministic %s, encoding %s', c.collprovider, c.collisdeterministic, c.collencoding),
           'collate ' || quote_literal(c.collcollate), 'ctype ' || quote_literal(c.collctype),
           'locale ' || quote_literal(coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale')),
           'rules ' || quote_literal(to_jsonb(c) ->> 'collicurules'))
FROM pg_catalog.pg_collation c
JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_collation'::regclass AND e.objid = c.oid AND e.deptype = 'e')
