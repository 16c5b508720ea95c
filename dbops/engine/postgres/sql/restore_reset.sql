-- What belongs to the connected database itself becomes as a new database has it, for a restore in place.
DO $reset$
DECLARE
    item record;
BEGIN
    EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());
    FOR item IN SELECT datconnlimit, shobj_description(oid, 'pg_database') AS comment
        FROM pg_database WHERE datname = current_database()
    LOOP
        IF item.datconnlimit <> -1 THEN
            EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT -1', current_database());
        END IF;
        IF item.comment IS NOT NULL THEN
            EXECUTE format('COMMENT ON DATABASE %I IS NULL', current_database());
        END IF;
    END LOOP;
END
$reset$;
