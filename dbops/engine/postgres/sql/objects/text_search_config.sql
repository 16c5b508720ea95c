-- Text search configurations: the parser and the dictionaries of each token type (by number), in their order.
SELECT (pg_identify_object('pg_catalog.pg_ts_config'::regclass, c.oid, 0)).identity,
       concat_ws(E'\n', 'parser ' || (pg_identify_object('pg_catalog.pg_ts_parser'::regclass, c.cfgparser, 0)).identity,
           (SELECT string_agg(format('token %s: %s', m.maptokentype,
                              m.mapdict::regdictionary),
                              E'\n' ORDER BY m.maptokentype, m.mapseqno)
            FROM pg_catalog.pg_ts_config_map m WHERE m.mapcfg = c.oid))
FROM pg_catalog.pg_ts_config c
JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_ts_config'::regclass AND e.objid = c.oid AND e.deptype = 'e')
