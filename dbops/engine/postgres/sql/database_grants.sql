SELECT CASE x.grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(x.grantee) END, x.privilege_type, x.is_grantable
FROM pg_database d, aclexplode(d.datacl) x
WHERE d.datname = current_database()
ORDER BY 1 NULLS FIRST, 2
