-- Who has a transaction open while a session waits for a metadata lock: where metadata locks themselves do not show.
SELECT holder.id, holder.user, holder.host, holder.command, holder.time
FROM information_schema.processlist waiting
JOIN information_schema.processlist holder ON holder.id <> waiting.id AND holder.db = waiting.db
LEFT JOIN information_schema.innodb_trx open_trx ON open_trx.trx_mysql_thread_id = holder.id
WHERE waiting.id = %(session)s AND waiting.state LIKE '%%metadata lock%%'
  AND (open_trx.trx_id IS NOT NULL OR holder.command <> 'Sleep')
ORDER BY open_trx.trx_started
