-- Columns of a database whose default draws from a sequence: table, column, default.
SELECT table_name, column_name, column_default FROM information_schema.columns
WHERE table_schema = %(name)s AND column_default LIKE '%%nextval(%%'
