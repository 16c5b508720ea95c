-- Sessions of the application that hold the mark of a migration: its dbops is gone, and they are not through yet.
SELECT format('session %%s of %%s, %%s since %%s', a.pid, a.usename, a.state,
              to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'))
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid = %(space)s AND l.objid = %(mark)s
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
