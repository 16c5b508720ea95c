-- Foreign-data wrappers. Option values that look like credentials are hidden.
SELECT (pg_identify_object('pg_catalog.pg_foreign_data_wrapper'::regclass, w.oid, 0)).identity,
       concat_ws(E'\n',
           'foreign data wrapper',
           'handler ' || nullif(w.fdwhandler, 0)::regprocedure,
           'validator ' || nullif(w.fdwvalidator, 0)::regprocedure,
           'options ' || (SELECT string_agg(format('%I=%L', o.option_name,
                    CASE WHEN o.option_name
                              ~* '(pass|pwd|secret|token|credential|conninfo|(api|access|private|account)_?key)'
                         THEN '(hidden)'
                         ELSE regexp_replace(o.option_value, '(://[^:/@]*):[^@]*@', '\1:(hidden)@') END),
                    ', ' ORDER BY o.option_name)
          FROM pg_options_to_table(w.fdwoptions) o))
FROM pg_catalog.pg_foreign_data_wrapper w
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_foreign_data_wrapper'::regclass AND e.objid = w.oid
                    AND e.deptype = 'e')
