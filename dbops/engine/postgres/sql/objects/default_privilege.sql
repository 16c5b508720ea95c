-- Default privileges, as what they add to (+) or take from (-) the built-in ones; those of one schema only add.
WITH entry AS (
    SELECT d.oid, true AS now, a.is_grantable, a.privilege_type, a.grantee, d.defaclrole
    FROM pg_catalog.pg_default_acl d CROSS JOIN LATERAL aclexplode(d.defaclacl) a
    UNION ALL
    SELECT d.oid, false, a.is_grantable, a.privilege_type, a.grantee, d.defaclrole
    FROM pg_catalog.pg_default_acl d
    CROSS JOIN LATERAL aclexplode(acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END,
                                             d.defaclrole)) a
    WHERE d.defaclnamespace = 0
), change AS (
    SELECT oid, privilege_type,
           CASE grantee WHEN defaclrole THEN '(owner)' WHEN 0 THEN 'PUBLIC'
                        ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee,
           max(CASE WHEN now THEN 1 + is_grantable::integer ELSE 0 END) AS after,
           max(CASE WHEN now THEN 0 ELSE 1 + is_grantable::integer END) AS before
    FROM entry
    GROUP BY oid, privilege_type, grantee, defaclrole
)
SELECT (pg_identify_object('pg_catalog.pg_default_acl'::regclass, x.oid, 0)).identity,
       string_agg(concat_ws(' ', CASE after WHEN 0 THEN '-' ELSE '+' END || x.grantee,
                            x.privilege_type || CASE after WHEN 2 THEN '*' ELSE '' END),
                  E'\n' ORDER BY x.grantee, x.privilege_type)
FROM change x
WHERE after <> before
GROUP BY x.oid
