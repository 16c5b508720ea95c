-- Of the named roles, those that exist, and whether we may give objects to them.
SELECT r.rolname, pg_has_role(r.oid, 'MEMBER') FROM pg_roles r WHERE r.rolname = ANY (%s)
