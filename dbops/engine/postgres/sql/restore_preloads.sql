-- Whether the server has what each session in the database loads (session_preload_libraries, local_preload_libraries, of the
-- database or of this role in it): without one of these libraries nobody gets in any more. Of local ones, which anybody may
-- set, only names that the server itself would take are tried. A role that may not LOAD learns nothing.
DO $check$
DECLARE
    library text;
BEGIN
    FOR library IN
        SELECT CASE WHEN x.setting LIKE 'local%' AND strpos(part, '/') = 0 THEN '$libdir/plugins/' ELSE '' END || part
        FROM pg_catalog.pg_db_role_setting s
        JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase AND d.datname = pg_catalog.current_database()
        LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
        CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS x(setting)
        CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(pg_catalog.regexp_replace(x.setting, '^[^=]*=', ''), ',') AS y(listed)
        CROSS JOIN LATERAL pg_catalog.btrim(y.listed, ' "') AS z(part)
        WHERE (s.setrole = 0 OR r.rolname = session_user) AND part <> ''
            AND (x.setting ~ '^session_preload_libraries='
                OR x.setting ~ '^local_preload_libraries=' AND part ~ '^(\$libdir/plugins/)?[^/]+$')
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('LOAD %L', library);
        EXCEPTION WHEN OTHERS THEN
            IF SQLSTATE <> '42501' OR pg_catalog.current_setting('is_superuser') = 'on' THEN
                RAISE EXCEPTION 'dbops: cannot preload %: %', library, SQLERRM;
            END IF;
        END;
    END LOOP;
END $check$
