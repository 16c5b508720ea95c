-- What only MariaDB has, added to mysql_objects.sql.
CREATE SEQUENCE numbers START WITH 100 INCREMENT BY 10 MINVALUE 1 MAXVALUE 100000 CACHE 20 CYCLE;
CREATE SEQUENCE `down it` START WITH -1 INCREMENT BY -1 MINVALUE -1000 MAXVALUE -1 NOCACHE;
SELECT NEXT VALUE FOR numbers;
CREATE TABLE only_mariadb (
  id bigint NOT NULL DEFAULT NEXT VALUE FOR numbers,
  hidden int INVISIBLE DEFAULT 7,
  short varchar(100) COMPRESSED DEFAULT NULL,
  address inet6 DEFAULT '::1',
  guid uuid DEFAULT uuid(),
  doc json DEFAULT json_object('a', 1),
  checked int CHECK (checked > 0),
  moving datetime AS (now()) VIRTUAL,
  begin date NOT NULL, end date NOT NULL,
  PERIOD FOR valid (begin, end),
  PRIMARY KEY (id, valid WITHOUT OVERLAPS),
  KEY unseen (hidden) IGNORED
) ENGINE=InnoDB PAGE_COMPRESSED=1;
CREATE TABLE versioned (
  id int PRIMARY KEY, v int, unversioned int WITHOUT SYSTEM VERSIONING,
  since timestamp(6) GENERATED ALWAYS AS ROW START INVISIBLE, until timestamp(6) GENERATED ALWAYS AS ROW END INVISIBLE,
  PERIOD FOR SYSTEM_TIME (since, until)
) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME INTERVAL 1 MONTH STARTS '2026-01-01 00:00:00' PARTITIONS 3;
CREATE TABLE plainly_versioned (id int PRIMARY KEY, v int) WITH SYSTEM VERSIONING;
INSERT INTO plainly_versioned VALUES (1, 1);
UPDATE plainly_versioned SET v = 2;
CREATE TABLE aria_table (id int PRIMARY KEY, t text) ENGINE=Aria TRANSACTIONAL=1 PAGE_CHECKSUM=1;
CREATE TABLE mixed_case (id int, KEY (id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3;
CREATE VIEW with_function AS SELECT twice(id) AS t, (SELECT count(*) FROM mysql.user) AS elsewhere FROM parent;
DELIMITER //
SET sql_mode = ORACLE//
CREATE PACKAGE tools AS FUNCTION three RETURN int; PROCEDURE hello; END//
CREATE PACKAGE BODY tools AS
  FUNCTION three RETURN int AS BEGIN RETURN 3; END;
  PROCEDURE hello AS BEGIN SELECT 'é 😀'; END;
END//
SET sql_mode = DEFAULT//
CREATE AGGREGATE FUNCTION adding (x int) RETURNS int
BEGIN
  DECLARE total int DEFAULT 0;
  DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN total;
  LOOP FETCH GROUP NEXT ROW; SET total = total + x; END LOOP;
END//
DELIMITER ;
-- Its PAGE_CHECKSUM=1 is implicit here, and explicit in a copy.
CREATE TABLE of_aria (a int) ENGINE=Aria;
CREATE TABLE of_aria_unchecked (a int) ENGINE=Aria PAGE_CHECKSUM=0 ROW_FORMAT=PAGE;
