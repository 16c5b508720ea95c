-- Backs up everything in a database; is no superuser. Give it a password: \password backup
CREATE ROLE backup LOGIN BYPASSRLS;
GRANT pg_read_all_data TO backup;
-- each large object, too: GRANT SELECT ON LARGE OBJECT … TO backup; doctor names those that it cannot read
