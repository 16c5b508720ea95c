-- Empties the connected database, for a restore in place: within the caller's transaction, so that all comes back if
-- that fails. Schema public stays, or is made, as a new database has it: a dump does not make it.
DO $wipe$
DECLARE
    item record;
BEGIN
    FOR item IN SELECT format('DROP EVENT TRIGGER %I CASCADE', evtname) AS command FROM pg_event_trigger
        UNION ALL SELECT format('DROP PUBLICATION %I', pubname) FROM pg_publication
    LOOP
        EXECUTE item.command;
    END LOOP;
    IF to_regnamespace('public') IS NULL THEN
        CREATE SCHEMA public;
    END IF;
    IF current_setting('server_version_num')::integer >= 150000 AND EXISTS (
        SELECT FROM pg_namespace WHERE nspname = 'public' AND pg_get_userbyid(nspowner) <> 'pg_database_owner') THEN
        ALTER SCHEMA public OWNER TO pg_database_owner;
    END IF;
    IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public' AND pg_has_role(nspowner, 'USAGE')
               AND obj_description(oid, 'pg_namespace') IS DISTINCT FROM 'standard public schema') THEN
        COMMENT ON SCHEMA public IS 'standard public schema';
    END IF;
    -- Default privileges would be given to what is made now. Without them, as the server has them built in.
    FOR item IN WITH given AS (
            SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s ', pg_get_userbyid(d.defaclrole),
                          ' IN SCHEMA ' || quote_ident(n.nspname)) AS start,
                   d.*, CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                                             WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS kind
            FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
            WHERE pg_has_role(d.defaclrole, 'USAGE'))
        SELECT DISTINCT 1 AS step, format('%sREVOKE ALL ON %s FROM %s', start, kind,
                   CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END) AS command
            FROM given CROSS JOIN LATERAL aclexplode(defaclacl) x
        UNION ALL SELECT 2, format('%sGRANT ALL ON %s TO %I', start, kind, pg_get_userbyid(defaclrole))
            FROM given WHERE defaclnamespace = 0
        UNION ALL SELECT 2, format('%sGRANT ALL ON %s TO PUBLIC', start, kind)
            FROM given WHERE defaclnamespace = 0 AND defaclobjtype IN ('f', 'T')
        ORDER BY 1
    LOOP
        EXECUTE item.command;
    END LOOP;
    FOR item IN SELECT format('DROP EXTENSION IF EXISTS %I CASCADE', extname) AS command
        FROM pg_extension WHERE extname <> 'plpgsql'
    LOOP
        EXECUTE item.command;
    END LOOP;
    FOR item IN SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) AS command FROM pg_namespace
        WHERE nspname NOT IN ('public', 'information_schema') AND nspname !~ '^pg_'
    LOOP
        EXECUTE item.command;
    END LOOP;
    LOOP
        -- The arguments of routines as their own commands want them: OUT is told, an aggregate without any has a star.
        SELECT format('DROP %s IF EXISTS %s CASCADE',
                      CASE i.type WHEN 'composite type' THEN 'type' WHEN 'statistics object' THEN 'statistics'
                                  ELSE i.type END,
                      CASE WHEN p.oid IS NULL THEN i.identity
                           ELSE format('public.%I(%s)', p.proname,
                                       coalesce(nullif(pg_get_function_identity_arguments(p.oid), ''),
                                                CASE p.prokind WHEN 'a' THEN '*' END)) END) AS command
        INTO item
        FROM pg_depend d CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i
        LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
        WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'public'::regnamespace AND d.deptype IN ('n', 'a')
          AND d.classid <> 'pg_default_acl'::regclass
          -- what is part of another object, as an identity column's sequence is, goes with that one
          AND NOT EXISTS (SELECT FROM pg_depend e
                          WHERE e.classid = d.classid AND e.objid = d.objid AND e.objsubid = 0 AND e.deptype = 'i')
        ORDER BY d.classid = 'pg_class'::regclass DESC, d.objid DESC
        LIMIT 1;
        EXIT WHEN NOT FOUND;
        EXECUTE item.command;
    END LOOP;
    FOR item IN SELECT format('DROP FOREIGN DATA WRAPPER IF EXISTS %I CASCADE', fdwname) AS command FROM pg_foreign_data_wrapper
        UNION ALL SELECT format('DROP CAST IF EXISTS (%s AS %s) CASCADE', castsource::regtype, casttarget::regtype)
                  FROM pg_cast WHERE oid >= 16384
        UNION ALL SELECT format('DROP TRANSFORM IF EXISTS FOR %s LANGUAGE %I', trftype::regtype, l.lanname)
                  FROM pg_transform f JOIN pg_language l ON l.oid = f.trflang WHERE f.oid >= 16384
        UNION ALL SELECT format('DROP LANGUAGE IF EXISTS %I CASCADE', lanname) FROM pg_language WHERE oid >= 16384
        UNION ALL SELECT format('DROP ACCESS METHOD IF EXISTS %I CASCADE', amname) FROM pg_am WHERE oid >= 16384
        UNION ALL SELECT format('SELECT lo_unlink(%s)', oid) FROM pg_largeobject_metadata
        UNION ALL SELECT DISTINCT format('REVOKE ALL ON SCHEMA public FROM %s CASCADE',
                                         CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END)
                  FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) x
                  WHERE n.nspname = 'public' AND x.grantee <> n.nspowner
    LOOP
        EXECUTE item.command;
    END LOOP;
    FOR item IN SELECT format('GRANT %s ON SCHEMA public TO %s', x.privilege_type,
                              CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END) AS command
        FROM pg_init_privs p JOIN pg_namespace n ON n.oid = p.objoid AND n.nspname = 'public'
        CROSS JOIN LATERAL aclexplode(p.initprivs) x
        WHERE p.classoid = 'pg_namespace'::regclass AND x.grantee <> n.nspowner
        -- one that was dropped and made again has no initial privileges: those of a new database
        UNION ALL SELECT format('GRANT %s ON SCHEMA public TO PUBLIC',
                                CASE WHEN current_setting('server_version_num')::integer >= 150000 THEN 'USAGE' ELSE 'ALL' END)
        WHERE NOT EXISTS (SELECT FROM pg_init_privs p WHERE p.classoid = 'pg_namespace'::regclass
                          AND p.objoid = 'public'::regnamespace)
    LOOP
        EXECUTE item.command;
    END LOOP;
END
$wipe$;
