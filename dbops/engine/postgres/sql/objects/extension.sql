-- Extensions; everything that belongs to one is left to it. plpgsql is left out: every new database has it and a dump
-- neither makes it nor drops it. Their owners are in no dump, so they are not compared.
SELECT quote_ident(x.extname), format('version %s schema %I', x.extversion, n.nspname)
FROM pg_catalog.pg_extension x
JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
WHERE x.extname <> 'plpgsql'
