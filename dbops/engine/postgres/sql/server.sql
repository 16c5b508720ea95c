-- What the server says of itself and of the connected database. datlocprovider exists from 15 on, the locale's column
-- changed its name in 17: hence to_jsonb. pg_control_system() may be closed to plain roles on managed servers.
SELECT current_setting('server_version'),
       current_setting('server_version_num')::int,
       current_database(),
       pg_encoding_to_char(d.encoding),
       d.datcollate,
       d.datctype,
       coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'),
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', ''),
       current_user,
       pg_database_size(d.oid),
       pg_is_in_recovery(),
       coalesce(r.rolsuper, false),
       has_function_privilege('pg_control_system()', 'EXECUTE')
FROM pg_database d LEFT JOIN pg_roles r ON r.rolname = current_user
WHERE d.datname = current_database()
