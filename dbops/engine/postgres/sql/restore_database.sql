-- A database by name, as seen from another one: size (where one may know it), and what stands against a rename.
SELECT CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) ELSE 0 END,
       d.datallowconn,
       d.datistemplate,
       pg_has_role(d.datdba, 'USAGE'),
       ARRAY(SELECT p.gid FROM pg_prepared_xacts p WHERE p.database = d.datname ORDER BY p.prepared),
       ARRAY(SELECT s.slot_name::text FROM pg_replication_slots s WHERE s.database = d.datname ORDER BY 1),
       ARRAY(SELECT s.subname::text FROM pg_subscription s WHERE s.subdbid = d.oid AND s.subenabled ORDER BY 1)
FROM pg_database d
WHERE d.datname = %s
