-- What belongs to the database itself. Run it connected to the restored database, whatever its name.
DO 'BEGIN EXECUTE format(''ALTER DATABASE %I OWNER TO "postgres"'', current_database()); END';
