-- Where amcheck is installed (null: not yet), whether it can be, whether we are a superuser.
SELECT (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'amcheck'),
       EXISTS (SELECT FROM pg_available_extensions WHERE name = 'amcheck'),
       (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user)
