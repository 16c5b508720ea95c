-- What the source has that a dump does not carry, or not in its one moment, or that a restore will show. One row a
-- finding (definers without an account are found beside this, since not every user may see the accounts):
-- id, severity, subject, expected, actual, hint.
SELECT 'outside-snapshot', 'warning', t.table_name, 'a transactional engine',
       CONCAT(t.engine, ': its rows are those of the time when they are read', CASE t.engine WHEN 'MEMORY' THEN ', and go with the server' ELSE '' END),
       'ALTER TABLE … ENGINE=InnoDB, or let nobody write to it while it is backed up'
FROM information_schema.tables t
WHERE t.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
  AND t.engine IN ('MyISAM', 'Aria', 'MEMORY', 'CSV', 'ARCHIVE', 'S3', 'MROONGA', 'COLUMNSTORE')
UNION ALL
SELECT 'foreign-table', 'info', t.table_name, '', CONCAT(t.engine, ': its rows are in other tables, or on another server'),
       'back up what it points to as well'
FROM information_schema.tables t
WHERE t.table_schema = DATABASE() AND t.engine IN ('MRG_MyISAM', 'MRG_MYISAM', 'FEDERATED', 'CONNECT', 'OQGRAPH', 'SPIDER', 'VP')
UNION ALL
SELECT DISTINCT 'invalid-index', 'warning', CONCAT(s.index_name, ' of ', s.table_name), 'it is in use',
       'it is disabled: no query uses it, and a dump brings it back in use', 'ALTER TABLE … ENABLE KEYS on the source'
FROM information_schema.statistics s
WHERE s.table_schema = DATABASE() AND s.comment = 'disabled'
UNION ALL
SELECT 'float-column', 'info', CONCAT(c.table_name, '.', c.column_name), 'DOUBLE or DECIMAL',
       'FLOAT: dump programs print six digits of its up to nine',
       'values with more digits come back changed: ALTER TABLE … MODIFY … DOUBLE'
FROM information_schema.columns c
JOIN information_schema.tables t ON t.table_schema = DATABASE() AND t.table_name = c.table_name
WHERE c.table_schema = DATABASE() AND c.data_type = 'float' AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
UNION ALL
SELECT 'lossy-charset', 'info', CONCAT(c.table_name, '.', c.column_name), 'utf8mb4',
       CONCAT(c.character_set_name, ': some of its characters do not survive the way to utf8mb4 and back'),
       'ALTER TABLE … CONVERT TO CHARACTER SET utf8mb4'
FROM information_schema.columns c
JOIN information_schema.tables t ON t.table_schema = DATABASE() AND t.table_name = c.table_name
WHERE c.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
  AND c.character_set_name IN ('big5', 'cp932', 'eucjpms', 'euckr', 'gb18030', 'gb2312', 'gbk', 'sjis', 'ucs2', 'ujis', 'utf16', 'utf16le', 'utf32')
ORDER BY 1, 3
