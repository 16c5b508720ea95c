-- The functions of amcheck that are installed, with how many arguments they take at most.
SELECT p.proname, max(p.pronargs)
FROM pg_extension e
JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_proc'::regclass
JOIN pg_proc p ON p.oid = d.objid
WHERE e.extname = 'amcheck'
GROUP BY 1
