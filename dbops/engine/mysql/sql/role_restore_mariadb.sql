-- Restores {database}, and makes the databases beside it that a swap needs: {database}_restore_…, _before_…, _undone_…
CREATE USER restore IDENTIFIED BY '…';
GRANT ALL ON {pattern}.* TO restore WITH GRANT OPTION;  -- it gives others back what they were granted there
GRANT ALL ON {beside}.* TO restore;
GRANT SELECT ON mysql.* TO restore;
GRANT PROCESS, SET USER ON *.* TO restore;
GRANT CONNECTION ADMIN ON *.* TO restore;  -- only for --end-sessions
