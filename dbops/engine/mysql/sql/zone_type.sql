INSERT INTO mysql.time_zone_transition_type (time_zone_id, transition_type_id, `offset`, is_dst, abbreviation)
VALUES (%s, %s, %s, %s, %s)
