-- Settings of the server that a restore depends on.
SHOW GLOBAL VARIABLES
WHERE Variable_name IN ('datadir', 'hostname', 'innodb_page_size', 'log_bin', 'log_bin_trust_function_creators',
                        'lower_case_table_names', 'max_allowed_packet', 'max_connections', 'sql_mode')
