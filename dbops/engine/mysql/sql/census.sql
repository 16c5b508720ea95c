-- What a dump must hold beside tables.
SELECT 'triggers', COUNT(*) FROM information_schema.triggers WHERE trigger_schema = DATABASE()
UNION ALL SELECT 'events', COUNT(*) FROM information_schema.events WHERE event_schema = DATABASE()
UNION ALL SELECT 'routines', COUNT(*) FROM information_schema.routines WHERE routine_schema = DATABASE()
UNION ALL SELECT 'views', COUNT(*) FROM information_schema.views WHERE table_schema = DATABASE()
