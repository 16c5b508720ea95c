-- Routines that show without their body.
SELECT routine_name FROM information_schema.routines
WHERE routine_schema = DATABASE() AND routine_definition IS NULL
ORDER BY routine_name
