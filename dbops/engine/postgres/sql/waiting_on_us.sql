-- Sessions that wait for a lock that one of our sessions holds, longest wait first. From pg_locks, which everybody may
-- read: pg_stat_activity hides waits and queries of other roles from a plain one. waitstart is new in 14.
SELECT a.pid, coalesce(a.usename::text, '?'), a.application_name,
       extract(epoch FROM clock_timestamp() - min(coalesce((to_jsonb(w) ->> 'waitstart')::timestamptz, a.query_start)))::float8,
       coalesce(left(regexp_replace(a.query, '\s+', ' ', 'g'), 80), 'a query that this role may not see')
FROM pg_locks w JOIN pg_stat_activity a ON a.pid = w.pid
WHERE NOT w.granted AND a.application_name <> %(application)s
  AND EXISTS (SELECT FROM unnest(pg_blocking_pids(w.pid)) AS b(pid) JOIN pg_stat_activity s USING (pid)
              WHERE s.application_name = %(application)s)
GROUP BY a.pid, a.usename, a.application_name, a.query
ORDER BY 4 DESC NULLS LAST
