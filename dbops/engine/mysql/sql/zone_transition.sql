INSERT INTO mysql.time_zone_transition (time_zone_id, transition_time, transition_type_id) VALUES (%s, %s, %s)
