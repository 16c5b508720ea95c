-- Whether events run; apart from their definitions, since a copy's do not until it is live.
SELECT e.event_name, e.status FROM information_schema.events e WHERE e.event_schema = DATABASE()
