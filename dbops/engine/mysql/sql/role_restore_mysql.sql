-- Restores {database}, and makes the databases beside it that a swap needs: {database}_restore_…, _before_…, _undone_…
CREATE USER restore IDENTIFIED BY '…';
GRANT ALL ON {pattern}.* TO restore WITH GRANT OPTION;  -- it gives others back what they were granted there
GRANT ALL ON {beside}.* TO restore;
GRANT SELECT ON mysql.* TO restore;
GRANT PROCESS, SHOW_ROUTINE, SET_ANY_DEFINER, SYSTEM_USER ON *.* TO restore;
GRANT CONNECTION_ADMIN ON *.* TO restore;  -- only for --end-sessions
