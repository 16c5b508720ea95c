-- The comment on the database; MySQL has none.
SELECT '(database)', QUOTE(s.schema_comment)                                                        -- mariadb
FROM information_schema.schemata s WHERE s.schema_name = DATABASE() AND s.schema_comment <> ''      -- mariadb
SELECT '', '' FROM DUAL WHERE FALSE                                                                 -- mysql
