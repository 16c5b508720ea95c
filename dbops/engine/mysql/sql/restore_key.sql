-- Columns of a table's primary key, in the key's order.
SELECT column_name FROM information_schema.statistics
WHERE table_schema = %(database)s AND table_name = %(table)s AND index_name = 'PRIMARY'
ORDER BY seq_in_index
