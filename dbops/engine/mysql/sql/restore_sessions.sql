-- Sessions in a database, without our own and the server's: number, a line for people, whether we may end it.
SELECT p.id,
       CONCAT(p.user, IF(p.host = '', '', CONCAT(' from ', p.host)), ', ', LOWER(p.command),
              IF(p.state IS NULL OR p.state = '', '', CONCAT(', ', LOWER(p.state))), ', for ', p.time, ' s'),
       p.user = SUBSTRING_INDEX(USER(), '@', 1) OR EXISTS (
           SELECT 1 FROM information_schema.user_privileges
           WHERE privilege_type IN ('SUPER', 'CONNECTION_ADMIN', 'CONNECTION ADMIN')
             AND grantee = CONCAT('''', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '''@''',
                                  SUBSTRING_INDEX(CURRENT_USER(), '@', -1), ''''))
FROM information_schema.processlist p
WHERE p.db = %(name)s AND p.id <> CONNECTION_ID() AND p.user NOT IN ('system user', 'event_scheduler')
  AND p.command NOT IN ('Daemon', 'Binlog Dump', 'Binlog Dump GTID')
ORDER BY p.id
