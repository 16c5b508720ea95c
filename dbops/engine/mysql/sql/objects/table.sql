-- Tables: what holds of them as a whole. create_options has a row format only where one was asked for; what is missing
-- in information_schema is added by `definitions.of_table`. SECONDARY_LOAD says what is in another engine's memory now.
-- Where its files are (MariaDB lists it of MyISAM) is no matter of what it holds.
-- SHOW CREATE TABLE of MariaDB, and so a dump, makes Aria's PAGE_CHECKSUM=1 explicit, which is what holds without it.
SELECT t.table_name,
       CONCAT_WS(' ', LOWER(t.table_type), CONCAT('engine ', t.engine), CONCAT('collate ', t.table_collation),
                 NULLIF(TRIM(REGEXP_REPLACE(t.create_options, 'SECONDARY_LOAD="[0-9]*"| ?page_checksum=1| ?(DATA|INDEX) DIRECTORY=''[^'']*''', '')), ''))
FROM information_schema.tables t
WHERE t.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
