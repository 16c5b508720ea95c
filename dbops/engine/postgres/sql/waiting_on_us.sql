-- Sessions that wait for a lock that one of our sessions holds, longest wait first.
SELECT a.pid, a.usename::text, a.application_name, extract(epoch FROM clock_timestamp() - a.query_start)::float8,
       left(regexp_replace(a.query, '\s+', ' ', 'g'), 80)
FROM pg_stat_activity a
WHERE a.wait_event_type = 'Lock' AND a.application_name <> %(application)s
  AND EXISTS (SELECT FROM unnest(pg_blocking_pids(a.pid)) AS b(pid) JOIN pg_stat_activity s USING (pid)
              WHERE s.application_name = %(application)s)
ORDER BY 4 DESC
