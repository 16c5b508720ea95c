-- Read by the server at its first start, before anybody can connect. %(password)s is put in as a quoted text.
ALTER USER 'root'@'localhost' IDENTIFIED BY %(password)s;
