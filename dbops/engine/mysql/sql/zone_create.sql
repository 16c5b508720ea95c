INSERT INTO mysql.time_zone (use_leap_seconds) VALUES ('N')
