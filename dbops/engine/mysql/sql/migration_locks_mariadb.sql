-- The same by the plugin metadata_lock_info.
SELECT DISTINCT table_name, lock_mode
FROM information_schema.metadata_lock_info
WHERE thread_id IN %(sessions)s AND lock_type = 'Table metadata lock' AND table_schema = DATABASE()
