-- Everything of a database that RENAME TABLE does not take along, in an order in which it can be made: kind, name.
SELECT kind, name FROM (
    SELECT 'TRIGGER' AS kind, trigger_name AS name,
           CONCAT(event_object_table, ' ', action_timing, ' ', event_manipulation) AS place, action_order AS number
    FROM information_schema.triggers WHERE trigger_schema = %(name)s
    UNION ALL SELECT routine_type, routine_name, '', 0
    FROM information_schema.routines WHERE routine_schema = %(name)s
    UNION ALL SELECT 'VIEW', table_name, '', 0 FROM information_schema.views WHERE table_schema = %(name)s
    UNION ALL SELECT 'EVENT', event_name, '', 0 FROM information_schema.events WHERE event_schema = %(name)s
) everything
ORDER BY kind, place, number, name
