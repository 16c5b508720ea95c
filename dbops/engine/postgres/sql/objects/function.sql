-- Functions, procedures, window functions as the server prints them; aggregates, which it does not print, from
-- pg_aggregate. Its columns of type regproc come out as names; those that are bare numbers are replaced by names.
SELECT (pg_identify_object('pg_catalog.pg_proc'::regclass, p.oid, 0)).identity,
       CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid)
            ELSE concat_ws(E'\n',
                'aggregate ' || pg_get_function_arguments(p.oid),
                'parallel ' || p.proparallel::text,
                'transition type ' || format_type(a.aggtranstype, NULL),
                'moving transition type ' || format_type(nullif(a.aggmtranstype, 0), NULL),
                'sort operator ' || nullif(a.aggsortop, 0)::regoperator,
                (to_jsonb(a) - 'aggfnoid' - 'aggtranstype' - 'aggmtranstype' - 'aggsortop')::text)
       END
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
