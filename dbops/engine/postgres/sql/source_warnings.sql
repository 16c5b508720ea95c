-- What the source has that a dump does not carry, or that a restore will show. One row a finding:
-- id, severity, subject, expected, actual, hint.
SELECT 'invalid-index', 'warning', format('%I.%I', n.nspname, c.relname), 'a valid index', 'invalid: a build failed or is under way',
       'pg_dump leaves it out in silence; drop it or REINDEX it on the source'
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND n.nspname NOT LIKE 'pg\_%'
  AND NOT EXISTS (SELECT FROM pg_class t WHERE t.oid = i.indrelid AND t.relkind = 'p')
UNION ALL
SELECT 'constraint-not-valid', 'warning', format('%I ON %I.%I', k.conname, n.nspname, c.relname), 'validated',
       'NOT VALID: rows that violate it may exist', 'ALTER TABLE ... VALIDATE CONSTRAINT on the source'
FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace JOIN pg_class c ON c.oid = k.conrelid
WHERE NOT k.convalidated AND n.nspname NOT LIKE 'pg\_%'
  -- from 18 on: what is not enforced is not meant to be valid, and cannot be validated
  AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
UNION ALL
SELECT 'unlogged-table', 'warning', format('%I.%I', n.nspname, c.relname), 'a logged table',
       'unlogged: emptied by a crash, absent on standbys', 'ALTER TABLE ... SET LOGGED if its rows matter'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relpersistence = 'u' AND c.relkind = 'r' AND n.nspname NOT LIKE 'pg\_%'
UNION ALL
SELECT 'matview-not-populated', 'warning', format('%I.%I', n.nspname, c.relname), 'populated', 'never refreshed',
       'REFRESH MATERIALIZED VIEW, or drop it'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND NOT c.relispopulated AND n.nspname NOT LIKE 'pg\_%'
UNION ALL
SELECT 'foreign-table', 'info', format('%I.%I', n.nspname, c.relname), '', 'its rows live on another server',
       'back that server up as a target of its own'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'f' AND n.nspname NOT LIKE 'pg\_%'
UNION ALL
SELECT 'subscription-left-out', 'warning', format('%I', s.subname), 'in the dump', 'left out: the role is not a superuser',
       'back up as a superuser, or create the subscription again after a restore'
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
WHERE d.datname = current_database()
  AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = current_user AND r.rolsuper)
ORDER BY 1, 3
