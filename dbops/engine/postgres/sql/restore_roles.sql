-- Of the named roles, those that exist; whether we may give objects to them (SET, before PostgreSQL 16 MEMBER); which we are.
SELECT r.rolname, pg_has_role(r.oid, %s), r.rolname = current_user FROM pg_roles r WHERE r.rolname = ANY (%s)
