-- What tables and routines get that do not say otherwise.
SELECT '(database)', CONCAT_WS(' ', 'collate', s.default_collation_name,
                               CONCAT('encryption ', s.default_encryption),  -- mysql
                               NULL)
FROM information_schema.schemata s
WHERE s.schema_name = DATABASE()
