-- Sets the search path that sessions of a role (or of the current one, if there is no such role) have in this database
-- by default: its own setting here, else its own everywhere, else the database's. `"$user"` is that role, where it is an
-- item of the list: `SET search_path = '"$user", public'`, all in one quote, names one schema of that strange name.
SELECT set_config('search_path',
                  regexp_replace(coalesce((SELECT substr(x.setting, length('search_path=') + 1)
                                           FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) AS x(setting)
                                           WHERE x.setting LIKE 'search\_path=%%'
                                             AND s.setrole IN (0, r.oid)
                                             AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                                           ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC
                                           LIMIT 1),
                                          '"$user", public'),
                                 '(^|,\s*)"\$user"(?=\s*(,|$))', '\1' || replace(quote_ident(r.rolname), '\', '\\')),
                  false)
FROM pg_roles r
WHERE r.rolname IN (%(role)s, current_user)
ORDER BY r.rolname = %(role)s DESC
LIMIT 1
