-- Views that run with the rights of somebody else than the connected user: name, what it selects.
SELECT table_name, view_definition FROM information_schema.views
WHERE table_schema = DATABASE() AND security_type = 'DEFINER' AND definer <> CURRENT_USER()
