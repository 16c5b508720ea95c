SELECT IF(@@global.log_bin, CONCAT('gtid ', @@global.gtid_binlog_pos, ' ', @@global.gtid_current_pos), '')
