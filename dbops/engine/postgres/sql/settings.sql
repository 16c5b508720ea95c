-- Settings of the server that decide how values load or print, or what must be loaded before a restore. What our own
-- sessions set (`source` is then 'client' or 'session') is told only where the database sets it: the server's value is
-- hidden from us.
SELECT s.name, COALESCE(own.value, s.reset_val)
FROM pg_settings s
LEFT JOIN LATERAL (
    SELECT substr(entry, length(s.name) + 2) AS value
    FROM pg_db_role_setting d
    CROSS JOIN unnest(d.setconfig) AS entry
    WHERE d.setrole = 0
      AND d.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND split_part(entry, '=', 1) = s.name
) own ON s.source IN ('client', 'session')
WHERE s.name IN ('lc_monetary', 'lc_numeric', 'server_encoding', 'shared_preload_libraries', 'default_text_search_config',
                 'default_table_access_method', 'default_toast_compression', 'standard_conforming_strings', 'TimeZone',
                 'wal_level', 'max_locks_per_transaction', 'block_size')
  AND (s.source NOT IN ('client', 'session') OR own.value IS NOT NULL)
ORDER BY 1
