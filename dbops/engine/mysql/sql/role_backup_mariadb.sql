-- Backs up everything in {database}.
CREATE USER backup IDENTIFIED BY '…';
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON {pattern}.* TO backup;
GRANT SELECT ON mysql.* TO backup;
GRANT RELOAD, PROCESS ON *.* TO backup;
