-- Security labels, those of an extension's parts too, as in a dump; the database's own under (database).
SELECT i.type || ' ' || i.identity || ' by ' || quote_ident(l.provider), quote_literal(l.label)
FROM pg_catalog.pg_seclabel l
CROSS JOIN LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) i
WHERE coalesce(i.schema, '') <> 'information_schema' AND coalesce(i.schema, '') !~ '^pg_'
UNION ALL
SELECT '(database) by ' || quote_ident(l.provider), quote_literal(l.label)
FROM pg_catalog.pg_shseclabel l
JOIN pg_catalog.pg_database d ON d.oid = l.objoid AND d.datname = current_database()
WHERE l.classoid = 'pg_catalog.pg_database'::regclass
UNION ALL
SELECT 'subscription ' || (pg_identify_object(l.classoid, l.objoid, 0)).identity || ' by ' || quote_ident(l.provider),
       quote_literal(l.label)
FROM pg_catalog.pg_shseclabel l
WHERE l.classoid = 'pg_catalog.pg_subscription'::regclass
  AND EXISTS (SELECT FROM pg_catalog.pg_subscription s
              WHERE quote_ident(s.subname) = (pg_identify_object(l.classoid, l.objoid, 0)).identity
                AND s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database()))
