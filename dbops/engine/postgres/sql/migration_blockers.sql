-- Who keeps a session waiting. No text of queries: it may hold data.
SELECT format('session %%s of %%s (%%s%%s), %%s for %%s s', a.pid, a.usename, coalesce(nullif(a.application_name, ''), 'unnamed'),
              coalesce(', from ' || host(a.client_addr), ''), a.state,
              round(extract(epoch FROM now() - coalesce(a.state_change, a.backend_start))))
FROM unnest(pg_blocking_pids(%(session)s)) AS blocking (pid) JOIN pg_stat_activity a USING (pid)
ORDER BY a.xact_start NULLS LAST
