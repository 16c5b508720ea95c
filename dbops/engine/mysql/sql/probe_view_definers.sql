-- Views: name, the account that each runs as ('' for whoever asks), what it selects.
SELECT table_name, CASE security_type WHEN 'DEFINER' THEN definer ELSE '' END, view_definition
FROM information_schema.views WHERE table_schema = DATABASE()
