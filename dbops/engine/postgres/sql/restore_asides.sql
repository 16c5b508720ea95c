-- Databases whose name has one of our endings, with their size, their comment, and whether one may connect to them.
SELECT d.datname, CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) ELSE 0 END,
       coalesce(shobj_description(d.oid, 'pg_database'), ''), d.datallowconn
FROM pg_database d
WHERE d.datname ~ '_(restore|before|undone)_[0-9]{8}T[0-9]{6}Z$'
