-- What a new database of this server has by itself: encoding, collation, ctype.
SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = 'template0'
