-- User mappings: the names of their options only, for the values are credentials. The view shows no options to a role
-- that may not see them; pg_dump reads the same view, so its dump has none either.
SELECT format('%s on server %I', CASE u.umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(u.usename) END, u.srvname),
       concat_ws(E'\n', 'user mapping',
           'options ' || (SELECT string_agg(quote_ident(o.option_name), ', ' ORDER BY o.option_name)
                          FROM pg_options_to_table(u.umoptions) o))
FROM pg_catalog.pg_user_mappings u
