-- Roles that this database needs, without passwords. May be run where some of them exist.
DO 'BEGIN EXECUTE ''CREATE ROLE "postgres" WITH SUPERUSER INHERIT CREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS CONNECTION LIMIT -1''; EXCEPTION WHEN duplicate_object THEN NULL; END';
