-- Events that will run here: none if the server runs no events.
SELECT event_name, CONCAT(status, ', and the server runs events') FROM information_schema.events
WHERE event_schema = DATABASE() AND status = 'ENABLED' AND @@global.event_scheduler = 'ON'
ORDER BY event_name
