-- Locks on tables that sessions hold now.
SELECT DISTINCT n.nspname || '.' || c.relname, l.mode
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = ANY(%(sessions)s) AND l.granted AND l.locktype = 'relation' AND c.relkind IN ('r', 'p', 'm')
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
