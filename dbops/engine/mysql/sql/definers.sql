-- Accounts whose rights views, routines, triggers and events use: user@host.
SELECT v.definer FROM information_schema.views v WHERE v.table_schema = DATABASE()
UNION SELECT r.definer FROM information_schema.routines r WHERE r.routine_schema = DATABASE()
UNION SELECT t.definer FROM information_schema.triggers t WHERE t.trigger_schema = DATABASE()
UNION SELECT e.definer FROM information_schema.events e WHERE e.event_schema = DATABASE()
