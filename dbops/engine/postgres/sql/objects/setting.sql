-- Settings made with ALTER DATABASE SET and ALTER ROLE IN DATABASE SET, for this database. Values that look like
-- credentials are hidden. A dump carries them only with --create.
SELECT format('%s: %s', CASE s.setrole WHEN 0 THEN '(all roles)' ELSE quote_ident(pg_get_userbyid(s.setrole)) END,
              split_part(c, '=', 1)),
       quote_literal(CASE WHEN split_part(c, '=', 1)
                              ~* '(pass|pwd|secret|token|credential|conninfo|(api|access|private|account)_?key)'
                         THEN '(hidden)'
                         ELSE regexp_replace(substr(c, strpos(c, '=') + 1), '(://[^:/@]*):[^@]*@', '\1:(hidden)@') END)
FROM pg_catalog.pg_db_role_setting s
CROSS JOIN LATERAL unnest(s.setconfig) c
WHERE s.setdatabase = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
