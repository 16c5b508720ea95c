SELECT VERSION(), @@version_comment, IF(@@lower_case_table_names = 1, LOWER(DATABASE()), DATABASE()), CURRENT_USER(), @@global.read_only,
       COALESCE((SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = DATABASE()), 0),
       (SELECT default_character_set_name FROM information_schema.schemata WHERE schema_name = DATABASE()),
       (SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = DATABASE()),
       (SELECT COUNT(*) FROM information_schema.user_privileges
        WHERE privilege_type = 'SUPER'
          AND grantee = CONCAT('''', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), ''''))
