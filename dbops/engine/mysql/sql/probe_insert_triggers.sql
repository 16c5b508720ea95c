-- Tables on which a trigger fires for an insert.
SELECT DISTINCT event_object_table FROM information_schema.triggers
WHERE event_object_schema = DATABASE() AND event_manipulation = 'INSERT'
