-- Accounts that this database needs, without passwords: locked, until somebody gives them one and says ACCOUNT UNLOCK.
-- dbops runs the grants of those only that it made: an account that is there already keeps the rights that it has.
CREATE USER IF NOT EXISTS 'root'@'localhost' ACCOUNT LOCK;
GRANT ALTER, ALTER ROUTINE, CREATE, CREATE ROUTINE, CREATE TEMPORARY TABLES, CREATE VIEW, DELETE, DELETE HISTORY, DROP, EVENT, EXECUTE, INDEX, INSERT, LOCK TABLES, REFERENCES, SELECT, SHOW VIEW, TRIGGER, UPDATE ON *.* TO 'root'@'localhost' WITH GRANT OPTION;
