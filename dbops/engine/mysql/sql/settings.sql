-- Settings of the server that decide how values load or print. Unknown ones give no row.
SHOW GLOBAL VARIABLES
WHERE Variable_name IN ('character_set_server', 'collation_server', 'default_storage_engine', 'event_scheduler',
                        'explicit_defaults_for_timestamp', 'innodb_default_row_format', 'innodb_page_size',
                        'innodb_strict_mode', 'log_bin_trust_function_creators', 'lower_case_table_names',
                        'max_allowed_packet', 'sql_mode', 'system_versioning_alter_history', 'time_zone')
