-- Read by the server at its first start, before anybody can connect. %(password)s is put in as a quoted text.
-- Its installer makes accounts of root for several hosts, none with a password.
DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');
FLUSH PRIVILEGES;
ALTER USER 'root'@'localhost' IDENTIFIED BY %(password)s;
