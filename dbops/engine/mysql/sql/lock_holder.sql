-- Who holds a named lock. The session does nothing since it took it: its time is the lock's.
SELECT user, host, UTC_TIMESTAMP() - INTERVAL time SECOND
FROM information_schema.processlist
WHERE id = %(session)s
