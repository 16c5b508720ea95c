-- An account that is not there needs none.
ALTER USER IF EXISTS 'root'@'localhost' IDENTIFIED BY %(password)s, 'root'@'%%' IDENTIFIED BY %(password)s
