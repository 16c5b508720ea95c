-- How much is at stake, by the server's own estimate.
SELECT count(*), coalesce(sum(CASE WHEN c.reltuples > 0 THEN c.reltuples ELSE s.n_live_tup END), 0)::bigint
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
