-- Sequences of MariaDB; MySQL has none, and knows no such type.
SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'SEQUENCE'
ORDER BY table_name
