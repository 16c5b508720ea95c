-- What belongs to the database itself. Run it in the restored database, whatever its name.
ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_swedish_ci;
