-- What belongs to the database itself and is not in its dump.
SELECT pg_get_userbyid(d.datdba), d.datconnlimit, shobj_description(d.oid, 'pg_database'), d.datacl IS NOT NULL
FROM pg_database d WHERE d.datname = current_database()
