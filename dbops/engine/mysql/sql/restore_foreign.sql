-- Tables of other databases whose foreign keys lead to a table of a database.
SELECT DISTINCT CONCAT(rc.constraint_schema, '.', rc.table_name) FROM information_schema.referential_constraints AS rc
JOIN information_schema.tables AS t ON t.table_schema = %(name)s AND t.table_name = rc.referenced_table_name
WHERE rc.unique_constraint_schema = %(name)s AND rc.constraint_schema <> %(name)s
ORDER BY 1
