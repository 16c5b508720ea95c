-- Statements that wait for a lock on definitions, the longest wait first. Which session they wait for, the server does not
-- tell everybody.
SELECT id, user, host, time, LEFT(REPLACE(COALESCE(info, ''), '\n', ' '), 80)
FROM information_schema.processlist
WHERE id <> CONNECTION_ID()
  AND (state = 'Waiting for backup lock' OR state = 'Waiting for table metadata lock' AND db = DATABASE())
ORDER BY time DESC
LIMIT 1
