SELECT IF(@@global.log_bin AND @@global.gtid_mode = 'ON', CONCAT('gtid ', @@global.gtid_executed), '')
