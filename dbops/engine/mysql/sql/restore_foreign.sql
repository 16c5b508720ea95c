-- Tables of other databases whose foreign keys lead into a database.
SELECT DISTINCT CONCAT(constraint_schema, '.', table_name) FROM information_schema.referential_constraints
WHERE unique_constraint_schema = %(name)s AND constraint_schema <> %(name)s
ORDER BY 1
