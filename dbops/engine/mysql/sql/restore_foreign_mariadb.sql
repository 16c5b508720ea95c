-- Whether any foreign key of the server leads from one database into another: InnoDB's own list, which opens no table.
SELECT COUNT(*) FROM information_schema.innodb_sys_foreign
WHERE SUBSTRING_INDEX(for_name, '/', 1) <> SUBSTRING_INDEX(ref_name, '/', 1)
