-- Other sessions, those that work first. Whoever waits for a lock is not in the way.
SELECT id, user, host, COALESCE(time, 0), command, LEFT(REPLACE(COALESCE(info, ''), '\n', ' '), 80)
FROM information_schema.processlist
WHERE id <> CONNECTION_ID() AND command NOT IN ('Daemon', 'Binlog Dump', 'Binlog Dump GTID')
  AND user NOT IN ('system user', 'event_scheduler')
  AND COALESCE(state, '') NOT LIKE 'Waiting for %'
ORDER BY command = 'Sleep', time DESC
LIMIT 100
