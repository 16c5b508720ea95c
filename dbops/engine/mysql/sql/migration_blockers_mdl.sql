-- Who holds a metadata lock on a table that a session waits for (performance_schema, where it is on).
SELECT DISTINCT holder.processlist_id, holder.processlist_user, holder.processlist_host, holder.processlist_command,
  holder.processlist_time
FROM performance_schema.metadata_locks waiting
JOIN performance_schema.threads waiter ON waiter.thread_id = waiting.owner_thread_id
JOIN performance_schema.metadata_locks held USING (object_type, object_schema, object_name)
JOIN performance_schema.threads holder ON holder.thread_id = held.owner_thread_id
WHERE waiter.processlist_id = %(session)s AND waiting.lock_status = 'PENDING' AND held.lock_status = 'GRANTED'
  AND holder.processlist_id <> %(session)s
ORDER BY holder.processlist_time DESC
