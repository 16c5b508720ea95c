-- Backs up everything in a database; is no superuser. Give it a password: \password backup
CREATE ROLE backup LOGIN BYPASSRLS;
-- before PostgreSQL 14 there is no pg_read_all_data: each schema, also those to come
{schemas}
-- each large object, too: GRANT SELECT ON LARGE OBJECT … TO backup; doctor names those that it cannot read
