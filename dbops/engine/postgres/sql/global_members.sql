-- Memberships between the named roles and the roles that they are in (built-in ones too).
SELECT g.rolname, m.rolname, a.admin_option
FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
WHERE m.rolname = ANY (%s)
ORDER BY 1, 2
