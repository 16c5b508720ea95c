-- Sessions in a database: one line each for people, and whether we may end it. Workers of the server are left out,
-- but for those that apply or send changes: they go by themselves, or with their subscription or slot.
SELECT concat('pid ', a.pid, ' (', coalesce(a.usename, '?'), ', ' || nullif(a.application_name, ''),
              ', from ' || host(a.client_addr), '), ', coalesce(a.state, 'unknown'), ' since ',
              to_char(coalesce(a.state_change, a.backend_start) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')),
       coalesce((SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user)
                OR NOT u.rolsuper AND (pg_has_role(u.oid, 'MEMBER') OR pg_has_role('pg_signal_backend', 'MEMBER')), false)
FROM pg_stat_activity a
LEFT JOIN pg_roles u ON u.oid = a.usesysid
WHERE a.datname = %s AND a.backend_type IN ('client backend', 'walsender') AND a.pid <> pg_backend_pid()
ORDER BY a.backend_start
