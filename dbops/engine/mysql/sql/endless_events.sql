-- Events whose body holds the delimiter that the dump program would put around it.
SELECT event_name FROM information_schema.events
WHERE event_schema = DATABASE() AND event_definition LIKE '%;;%'
ORDER BY 1
