-- Which role was granted to which account: role's user and host, member's user and host, with the right to pass it on.
SELECT r.role, '', r.user, r.host, r.admin_option FROM mysql.roles_mapping r
