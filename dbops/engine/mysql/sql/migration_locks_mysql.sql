-- Metadata locks on tables that sessions hold now (performance_schema).
SELECT DISTINCT l.object_name, l.lock_type
FROM performance_schema.metadata_locks l
JOIN performance_schema.threads t ON t.thread_id = l.owner_thread_id
WHERE t.processlist_id IN %(sessions)s AND l.lock_status = 'GRANTED' AND l.object_type = 'TABLE'
  AND l.object_schema = DATABASE()
