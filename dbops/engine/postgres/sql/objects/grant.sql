-- Privileges, as what was granted (+) or revoked (-) since the object was new: against pg_init_privs for what initdb or
-- an extension made, else against the built-in default. So a list that was written out but says the default equals none
-- at all, as a dump makes it, and a later server's new default privileges are no difference. * is the grant option. The
-- owner is written (owner), since who that is stands in owner. Who granted it is left out.
WITH object (classid, objid, subid, owner, acl, initial) AS (
    SELECT 'pg_catalog.pg_class'::regclass, t.oid, 0, t.relowner, t.relacl,
           acldefault((CASE t.relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char", t.relowner)
    FROM pg_catalog.pg_class t
    UNION ALL
    SELECT 'pg_catalog.pg_class'::regclass, c.oid, t.attnum, c.relowner, t.attacl,
           NULL::aclitem[]
    FROM pg_catalog.pg_attribute t JOIN pg_catalog.pg_class c ON c.oid = t.attrelid AND NOT t.attisdropped
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::regclass, t.oid, 0, t.proowner, t.proacl,
           acldefault(('f')::"char", t.proowner)
    FROM pg_catalog.pg_proc t
    UNION ALL
    SELECT 'pg_catalog.pg_type'::regclass, t.oid, 0, t.typowner, t.typacl,
           acldefault(('T')::"char", t.typowner)
    FROM pg_catalog.pg_type t
    UNION ALL
    -- A public that was dropped and made again has no pg_init_privs: as a new database, and so a copy, has it.
    SELECT 'pg_catalog.pg_namespace'::regclass, t.oid, 0, t.nspowner,
           CASE t.nspname WHEN 'public' THEN coalesce(t.nspacl, acldefault(('n')::"char", t.nspowner)) ELSE t.nspacl END,
           CASE t.nspname WHEN 'public'
                THEN acldefault(('n')::"char", t.nspowner) || makeaclitem(0, t.nspowner, 'USAGE', false)
                     || CASE WHEN current_setting('server_version_num')::integer < 150000
                             THEN ARRAY[makeaclitem(0, t.nspowner, 'CREATE', false)] ELSE '{}' END
                ELSE acldefault(('n')::"char", t.nspowner) END
    FROM pg_catalog.pg_namespace t
    UNION ALL
    SELECT 'pg_catalog.pg_language'::regclass, t.oid, 0, t.lanowner, t.lanacl,
           acldefault(('l')::"char", t.lanowner)
    FROM pg_catalog.pg_language t
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_data_wrapper'::regclass, t.oid, 0, t.fdwowner, t.fdwacl,
           acldefault(('F')::"char", t.fdwowner)
    FROM pg_catalog.pg_foreign_data_wrapper t
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_server'::regclass, t.oid, 0, t.srvowner, t.srvacl,
           acldefault(('S')::"char", t.srvowner)
    FROM pg_catalog.pg_foreign_server t
    UNION ALL
    SELECT 'pg_catalog.pg_largeobject'::regclass, t.oid, 0, t.lomowner, t.lomacl,
           acldefault(('L')::"char", t.lomowner)
    FROM pg_catalog.pg_largeobject_metadata t
), candidate AS (
    SELECT o.classid, o.objid, o.subid, o.owner, coalesce(o.acl, o.initial) AS acl,
           coalesce(p.initprivs, o.initial) AS initial
    FROM object o
    LEFT JOIN pg_catalog.pg_init_privs p ON p.classoid = o.classid AND p.objoid = o.objid AND p.objsubid = o.subid
    WHERE o.acl IS NOT NULL
), entry AS (
    SELECT c.classid, c.objid, c.subid, true AS now, a.is_grantable, a.privilege_type,
           CASE a.grantee WHEN c.owner THEN '(owner)' WHEN 0 THEN 'PUBLIC'
                          ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee
    FROM candidate c CROSS JOIN LATERAL aclexplode(c.acl) a
    UNION ALL
    -- only an owner grants to itself, whoever the owner was when the object was new
    SELECT c.classid, c.objid, c.subid, false, a.is_grantable, a.privilege_type,
           CASE a.grantee WHEN a.grantor THEN '(owner)' WHEN 0 THEN 'PUBLIC'
                          ELSE quote_ident(pg_get_userbyid(a.grantee)) END
    FROM candidate c CROSS JOIN LATERAL aclexplode(c.initial) a
), change AS (
    SELECT classid, objid, subid, grantee, privilege_type,
           max(CASE WHEN now THEN 1 + is_grantable::integer ELSE 0 END) AS after,
           max(CASE WHEN now THEN 0 ELSE 1 + is_grantable::integer END) AS before
    FROM entry
    GROUP BY classid, objid, subid, grantee, privilege_type
)
SELECT i.type || ' ' || i.identity,
       string_agg(concat_ws(' ', CASE after WHEN 0 THEN '-' ELSE '+' END || x.grantee,
                            x.privilege_type || CASE after WHEN 2 THEN '*' ELSE '' END),
                  E'\n' ORDER BY x.grantee, x.privilege_type)
FROM change x
CROSS JOIN LATERAL pg_identify_object(x.classid, x.objid, x.subid) i
WHERE after <> before AND coalesce(i.schema, '') !~ '^pg_(temp|toast)'
GROUP BY i.type, i.identity
