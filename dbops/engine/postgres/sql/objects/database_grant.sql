-- Privileges on the database, as what was granted (+) or revoked (-) since it was new; see grant. A dump carries them
-- only with --create.
WITH entry AS (
    SELECT true AS now, d.datdba, a.*
    FROM pg_catalog.pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) a
    WHERE d.datname = current_database()
    UNION ALL
    SELECT false, d.datdba, a.*
    FROM pg_catalog.pg_database d CROSS JOIN LATERAL aclexplode(acldefault('d', d.datdba)) a
    WHERE d.datname = current_database() AND d.datacl IS NOT NULL
), change AS (
    SELECT privilege_type,
           CASE grantee WHEN datdba THEN '(owner)' WHEN 0 THEN 'PUBLIC'
                        ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee,
           max(CASE WHEN now THEN 1 + is_grantable::integer ELSE 0 END) AS after,
           max(CASE WHEN now THEN 0 ELSE 1 + is_grantable::integer END) AS before
    FROM entry
    GROUP BY privilege_type, grantee, datdba
)
SELECT '(database)',
       string_agg(concat_ws(' ', CASE after WHEN 0 THEN '-' ELSE '+' END || x.grantee,
                            x.privilege_type || CASE after WHEN 2 THEN '*' ELSE '' END),
                  E'\n' ORDER BY x.grantee, x.privilege_type)
FROM change x
WHERE after <> before
HAVING count(*) > 0
