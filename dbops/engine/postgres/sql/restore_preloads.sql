-- Whether the server has what the database, or a role in it, loads into each session (session_preload_libraries,
-- local_preload_libraries): without one of these libraries nobody gets in any more. A role that may not LOAD learns nothing.
DO $check$
DECLARE
    library text;
BEGIN
    FOR library IN
        SELECT CASE WHEN x.setting LIKE 'local%' AND strpos(part, '/') = 0 THEN '$libdir/plugins/' ELSE '' END || part
        FROM pg_catalog.pg_db_role_setting s
        JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase AND d.datname = pg_catalog.current_database()
        CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS x(setting)
        CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(pg_catalog.regexp_replace(x.setting, '^[^=]*=', ''), ',') AS y(listed)
        CROSS JOIN LATERAL pg_catalog.btrim(y.listed, ' "') AS z(part)
        WHERE x.setting ~ '^(session|local)_preload_libraries=' AND part <> ''
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('LOAD %L', library);
        EXCEPTION
            WHEN insufficient_privilege THEN NULL;
            WHEN OTHERS THEN
                RAISE EXCEPTION 'dbops: cannot preload %: %', library, SQLERRM;
        END;
    END LOOP;
END $check$
