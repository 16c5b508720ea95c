-- The server that an entrypoint starts to set things up has it off.
SELECT @@skip_networking
