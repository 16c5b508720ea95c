-- Foreign servers. Option values that look like credentials are hidden.
SELECT (pg_identify_object('pg_catalog.pg_foreign_server'::regclass, s.oid, 0)).identity,
       concat_ws(E'\n',
           format('server of %I', w.fdwname), 'type ' || quote_literal(s.srvtype),
           'version ' || quote_literal(s.srvversion),
           'options ' || :shown_options)
FROM (SELECT *, srvoptions AS options FROM pg_catalog.pg_foreign_server) s
JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_foreign_server'::regclass AND e.objid = s.oid AND e.deptype = 'e')
