-- With whose rights views, routines, triggers and events run: their definers.
SELECT CONCAT('view ', v.table_name), v.definer FROM information_schema.views v WHERE v.table_schema = DATABASE()
UNION ALL
SELECT CONCAT(LOWER(r.routine_type), ' ', r.routine_name), r.definer
FROM information_schema.routines r WHERE r.routine_schema = DATABASE()
UNION ALL
SELECT CONCAT('trigger ', t.trigger_name), t.definer FROM information_schema.triggers t WHERE t.trigger_schema = DATABASE()
UNION ALL
SELECT CONCAT('event ', e.event_name), e.definer FROM information_schema.events e WHERE e.event_schema = DATABASE()
