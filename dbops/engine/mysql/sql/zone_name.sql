INSERT INTO mysql.time_zone_name (name, time_zone_id) VALUES (%(name)s, %(zone)s)
