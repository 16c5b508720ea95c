-- What ANALYZE applies to, largest first. Not what has a foreign table under it: its rows would be fetched from another
-- server, which a copy must not need; the local tables under it are here by themselves.
WITH RECURSIVE above (oid) AS (
    SELECT i.inhparent FROM pg_inherits i JOIN pg_class f ON f.oid = i.inhrelid WHERE f.relkind = 'f'
    UNION
    SELECT i.inhparent FROM pg_inherits i JOIN above ON above.oid = i.inhrelid
)
SELECT n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND pg_has_role(c.relowner, 'USAGE')
  AND c.oid NOT IN (SELECT oid FROM above)
ORDER BY c.relpages DESC
