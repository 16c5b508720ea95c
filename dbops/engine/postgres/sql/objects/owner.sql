-- Owners of everything that can have one and that a dump sets it for: not of extensions, nor of their parts, nor of
-- multiranges, arrays and row types, which follow. `public` is here only if its owner is not a new database's.
WITH owned (classid, objid, owner) AS (
    SELECT 'pg_catalog.pg_class'::regclass, t.oid, t.relowner FROM pg_catalog.pg_class t
        WHERE t.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL SELECT 'pg_catalog.pg_proc'::regclass, t.oid, t.proowner FROM pg_catalog.pg_proc t
    UNION ALL SELECT 'pg_catalog.pg_type'::regclass, t.oid, t.typowner FROM pg_catalog.pg_type t
        WHERE t.typtype IN ('b', 'd', 'e', 'r', 'p')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_type member WHERE member.typarray = t.oid)
    UNION ALL SELECT 'pg_catalog.pg_namespace'::regclass, t.oid, t.nspowner FROM pg_catalog.pg_namespace t
    UNION ALL SELECT 'pg_catalog.pg_operator'::regclass, t.oid, t.oprowner FROM pg_catalog.pg_operator t
        WHERE t.oprcode <> 0
    UNION ALL SELECT 'pg_catalog.pg_opclass'::regclass, t.oid, t.opcowner FROM pg_catalog.pg_opclass t
    UNION ALL SELECT 'pg_catalog.pg_opfamily'::regclass, t.oid, t.opfowner FROM pg_catalog.pg_opfamily t
    UNION ALL SELECT 'pg_catalog.pg_collation'::regclass, t.oid, t.collowner FROM pg_catalog.pg_collation t
    UNION ALL SELECT 'pg_catalog.pg_conversion'::regclass, t.oid, t.conowner FROM pg_catalog.pg_conversion t
    UNION ALL SELECT 'pg_catalog.pg_ts_config'::regclass, t.oid, t.cfgowner FROM pg_catalog.pg_ts_config t
    UNION ALL SELECT 'pg_catalog.pg_ts_dict'::regclass, t.oid, t.dictowner FROM pg_catalog.pg_ts_dict t
    UNION ALL SELECT 'pg_catalog.pg_statistic_ext'::regclass, t.oid, t.stxowner FROM pg_catalog.pg_statistic_ext t
    UNION ALL SELECT 'pg_catalog.pg_foreign_data_wrapper'::regclass, t.oid, t.fdwowner
        FROM pg_catalog.pg_foreign_data_wrapper t
    UNION ALL SELECT 'pg_catalog.pg_foreign_server'::regclass, t.oid, t.srvowner FROM pg_catalog.pg_foreign_server t
    UNION ALL SELECT 'pg_catalog.pg_event_trigger'::regclass, t.oid, t.evtowner FROM pg_catalog.pg_event_trigger t
    UNION ALL SELECT 'pg_catalog.pg_publication'::regclass, t.oid, t.pubowner FROM pg_catalog.pg_publication t
    UNION ALL SELECT 'pg_catalog.pg_language'::regclass, t.oid, t.lanowner FROM pg_catalog.pg_language t
    UNION ALL SELECT 'pg_catalog.pg_type'::regclass, t.oid, t.typowner FROM pg_catalog.pg_type t
    JOIN pg_catalog.pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
)
SELECT i.type || ' ' || i.identity, quote_ident(pg_get_userbyid(o.owner))
FROM owned o
CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, 0) i
WHERE o.objid >= 16384 AND coalesce(i.schema, '') <> 'information_schema' AND coalesce(i.schema, '') !~ '^pg_'
  AND NOT (i.type = 'schema' AND (i.identity ~ '^pg_' OR i.identity = 'public'))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = o.classid AND e.objid = o.objid AND e.deptype = 'e')
UNION ALL
SELECT 'schema public', quote_ident(pg_get_userbyid(n.nspowner))
FROM pg_catalog.pg_namespace n
WHERE n.nspname = 'public'
  AND NOT CASE WHEN current_setting('server_version_num')::integer >= 150000
               THEN pg_get_userbyid(n.nspowner) = 'pg_database_owner' ELSE n.nspowner = 10 END
UNION ALL
SELECT 'subscription ' || quote_ident(s.subname), quote_ident(pg_get_userbyid(s.subowner))
FROM pg_catalog.pg_subscription s
WHERE s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
