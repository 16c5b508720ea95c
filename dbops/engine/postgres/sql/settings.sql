-- Settings of the server that decide how values load or print, or what must be loaded before a restore.
SELECT name, reset_val FROM pg_settings
WHERE name IN ('lc_monetary', 'lc_numeric', 'server_encoding', 'shared_preload_libraries', 'default_text_search_config',
               'default_table_access_method', 'default_toast_compression', 'standard_conforming_strings', 'TimeZone',
               'wal_level', 'max_locks_per_transaction', 'block_size')
ORDER BY 1
