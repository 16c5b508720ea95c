-- What roles have of the connected database becomes as a new database has it, for a restore in place: their settings in
-- it, and their rights on it. What we may not take from one stays, and the comparison names it.
DO $reset$
DECLARE
    item record;
BEGIN
    FOR item IN SELECT pg_get_userbyid(s.setrole) AS role FROM pg_db_role_setting s
        JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database() AND s.setrole <> 0
    LOOP
        BEGIN
            EXECUTE format('ALTER ROLE %I IN DATABASE %I RESET ALL', item.role, current_database());
        EXCEPTION WHEN insufficient_privilege THEN
            NULL;
        END;
    END LOOP;
    FOR item IN SELECT DISTINCT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END AS role
        FROM pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) x
        WHERE d.datname = current_database() AND x.grantee <> d.datdba
    LOOP
        EXECUTE format('REVOKE ALL ON DATABASE %I FROM %s CASCADE', current_database(), item.role);
    END LOOP;
    FOR item IN SELECT pg_get_userbyid(datdba) AS owner FROM pg_database
        WHERE datname = current_database() AND datacl IS NOT NULL
    LOOP
        EXECUTE format('GRANT ALL ON DATABASE %I TO %I', current_database(), item.owner);
        EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
    END LOOP;
END
$reset$;
