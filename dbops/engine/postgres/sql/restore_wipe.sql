-- Empties the connected database, for a restore in place: within the caller's transaction, so that all comes back if
-- that fails. Schema public stays, with the privileges that a new database gives it: a dump does not make it.
DO $wipe$
DECLARE
    item record;
BEGIN
    FOR item IN SELECT format('DROP EVENT TRIGGER %I CASCADE', evtname) AS command FROM pg_event_trigger
        UNION ALL SELECT format('DROP PUBLICATION %I', pubname) FROM pg_publication
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
    LOOP
        EXECUTE item.command;
    END LOOP;
END
$wipe$;
