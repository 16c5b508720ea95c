-- Foreign keys of a database to tables that it should have, and has not: made with foreign_key_checks off. Table, name.
SELECT DISTINCT rc.table_name, rc.constraint_name
FROM information_schema.referential_constraints AS rc
LEFT JOIN information_schema.tables AS t ON t.table_schema = %(name)s AND t.table_name = rc.referenced_table_name
WHERE rc.constraint_schema = %(name)s AND rc.unique_constraint_schema = %(name)s AND t.table_name IS NULL
ORDER BY 1, 2
