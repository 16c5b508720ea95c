-- Check, primary key, unique, exclusion and foreign key constraints of tables; those of domains are in domain, NOT NULL
-- is in columns, constraint triggers are in trigger. A foreign key's copies on partitions are left out: attaching makes
-- them anew, under names of the server's choice. conislocal and coninhcount are left out: see columns.
SELECT (pg_identify_object('pg_catalog.pg_constraint'::regclass, k.oid, 0)).identity, pg_get_constraintdef(k.oid)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype IN ('c', 'p', 'u', 'x', 'f') AND NOT (k.contype = 'f' AND k.conparentid <> 0)
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
