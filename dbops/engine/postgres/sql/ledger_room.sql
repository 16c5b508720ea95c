-- Whether there is a schema for the ledger, whether this role may make tables in it, and whether it may make the schema.
-- CREATE SCHEMA IF NOT EXISTS asks for the right even where the schema exists.
SELECT to_regnamespace('dbops') IS NOT NULL,
       coalesce(has_schema_privilege(to_regnamespace('dbops')::oid, 'CREATE'), false),
       has_database_privilege(current_database(), 'CREATE'),
       current_user
