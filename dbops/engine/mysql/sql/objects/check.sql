-- CHECK constraints of columns, which MariaDB prints within the column; `definitions.of_table` reads those of tables.
SELECT CONCAT(k.table_name, '.', k.constraint_name), k.check_clause                        -- mariadb
FROM information_schema.check_constraints k                                                -- mariadb
WHERE k.constraint_schema = DATABASE() AND k.level = 'Column'                              -- mariadb
SELECT '', '' FROM DUAL WHERE FALSE                                                        -- mysql
