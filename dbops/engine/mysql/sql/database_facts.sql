-- What a database has apart from its content: character set, collation, comment, encryption.
SELECT s.default_character_set_name, s.default_collation_name,
       s.schema_comment, 'NO'        -- mariadb
       '', s.default_encryption      -- mysql
FROM information_schema.schemata s WHERE s.schema_name = DATABASE()
