-- Statements that wait for a lock on definitions, the longest wait first. Which session they wait for, the server does not
-- tell everybody. A read waits only behind somebody who wants to change something, and one of our own account may be that
-- of our dump program, whose sessions have no other mark.
SELECT id, user, host, time, LEFT(REPLACE(COALESCE(info, ''), '\n', ' '), 80)
FROM information_schema.processlist
WHERE id <> CONNECTION_ID()
  AND (state = 'Waiting for backup lock' OR state = 'Waiting for table metadata lock' AND db = DATABASE())
  AND NOT (CONCAT(user, '@') = LEFT(USER(), CHAR_LENGTH(user) + 1) AND (info LIKE 'SELECT %' OR info LIKE 'SHOW %'))
ORDER BY time DESC
LIMIT 1
