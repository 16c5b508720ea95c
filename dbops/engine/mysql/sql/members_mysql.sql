-- Which role was granted to which account: role's user and host, member's user and host, with the right to pass it on.
SELECT r.from_user, r.from_host, r.to_user, r.to_host, r.with_admin_option FROM mysql.role_edges r
