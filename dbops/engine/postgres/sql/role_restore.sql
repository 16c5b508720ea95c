-- Restores {database} and renames it, acting as its owner: if that is a superuser, this role is as mighty. Give it a
-- password: \password restore
CREATE ROLE restore LOGIN;
ALTER ROLE {owner} CREATEDB;
GRANT {owner} TO restore;
ALTER ROLE restore SET role = {owner};
-- each further role that owns something in the database or was granted something, too: GRANT … TO the owner; restore
-- names them
