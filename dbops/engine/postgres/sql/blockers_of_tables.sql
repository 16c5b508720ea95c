-- Who holds, or waits in front of us for, a lock on one of our tables that a reader must wait for.
SELECT DISTINCT format('%I.%I', n.nspname, c.relname), a.pid, a.usename::text, a.application_name, a.state,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8, left(regexp_replace(a.query, '\s+', ' ', 'g'), 80)
FROM pg_locks l
JOIN pg_class c ON c.oid = l.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND c.relkind = 'r' AND a.datname = current_database()
  AND n.nspname NOT LIKE 'pg\_%'
ORDER BY 6 DESC NULLS LAST
LIMIT 5
