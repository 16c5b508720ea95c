-- All schemas of users, as a search path.
SELECT coalesce(string_agg(quote_ident(nspname), ', ' ORDER BY nspname), '')
FROM pg_namespace
WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
