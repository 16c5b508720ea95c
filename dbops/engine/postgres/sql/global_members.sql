-- Memberships between the named roles and the roles that they are in (built-in ones too), with their options: INHERIT and
-- SET exist from 16 on.
SELECT g.rolname, m.rolname, a.admin_option, (to_jsonb(a) ->> 'inherit_option')::boolean,
       (to_jsonb(a) ->> 'set_option')::boolean
FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
WHERE m.rolname = ANY (%s)
ORDER BY 1, 2
