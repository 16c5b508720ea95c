-- Triggers, each with what SHOW CREATE TRIGGER does not print in one form: name, and its place.
SELECT t.trigger_name, CONCAT_WS(' ', LOWER(t.action_timing), LOWER(t.event_manipulation), 'on', t.event_object_table,
                                 CONCAT('number ', t.action_order))
FROM information_schema.triggers t WHERE t.trigger_schema = DATABASE()
