SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid')
