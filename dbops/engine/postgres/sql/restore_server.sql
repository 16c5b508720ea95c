-- What a restore needs to know of the role and the server.
SELECT r.rolsuper, r.rolcreatedb, r.rolcreaterole, r.rolconnlimit,
       pg_is_in_recovery(),
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int,
       (SELECT count(*) FROM pg_stat_activity WHERE usename = current_user)::int,
       (SELECT setting FROM pg_settings WHERE name = 'data_directory'),
       (inet_client_addr() IS NULL OR inet_client_addr() <<= '127.0.0.0/8' OR inet_client_addr() = '::1'),
       EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i'),
       ARRAY(SELECT DISTINCT collcollate::text FROM pg_collation WHERE collcollate IS NOT NULL
             UNION SELECT datcollate::text FROM pg_database)
FROM pg_roles r
WHERE r.rolname = current_user
