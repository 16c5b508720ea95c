-- Foreign-data wrappers. Option values that look like credentials are hidden.
SELECT (pg_identify_object('pg_catalog.pg_foreign_data_wrapper'::regclass, w.oid, 0)).identity,
       concat_ws(E'\n',
           'foreign data wrapper',
           'handler ' || nullif(w.fdwhandler, 0)::regprocedure,
           'validator ' || nullif(w.fdwvalidator, 0)::regprocedure,
           'options ' || :shown_options)
FROM (SELECT *, fdwoptions AS options FROM pg_catalog.pg_foreign_data_wrapper) w
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_foreign_data_wrapper'::regclass AND e.objid = w.oid
                    AND e.deptype = 'e')
