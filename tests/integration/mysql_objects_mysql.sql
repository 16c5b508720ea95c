-- What only MySQL has, added to mysql_objects.sql.
CREATE TABLE only_mysql (
  id bigint NOT NULL AUTO_INCREMENT,
  hidden int DEFAULT (7) INVISIBLE,
  doc json,
  place point NOT NULL SRID 4326,
  late date DEFAULT (curdate()),
  guid binary(16) DEFAULT (uuid_to_bin(uuid())),
  size int GENERATED ALWAYS AS (json_length(doc)) STORED,
  PRIMARY KEY (id),
  KEY unseen (hidden) INVISIBLE,
  KEY functional ((cast(upper(doc->>'$.a') AS char(30))), (size + 1) DESC),
  KEY many ((cast(doc->'$.tags' AS unsigned array))),
  SPATIAL KEY place (place),
  CONSTRAINT lax CHECK (hidden > 0) NOT ENFORCED
) ENGINE=InnoDB COMPRESSION='zlib' STATS_SAMPLE_PAGES=10;
CREATE TABLE secondary (id int PRIMARY KEY COLUMN_FORMAT FIXED, v vector(3)) ENGINE=InnoDB SECONDARY_ENGINE=none;
CREATE VIEW with_function AS SELECT twice(id) AS t, (SELECT count(*) FROM mysql.user) AS elsewhere FROM parent;
CREATE TABLE no_key (a int, b int) ENGINE=InnoDB;
CREATE DEFINER='definer'@'%' JSON RELATIONAL DUALITY VIEW document AS SELECT JSON_DUALITY_OBJECT('_id': id, 'code': code) FROM parent;
DELIMITER ;;
CREATE LIBRARY `sha``red` COMMENT 'USING (`a`.`b`)' LANGUAGE JAVASCRIPT AS $$ export let one = "it's" // ; " ` $$;;
CREATE LIBRARY other LANGUAGE JAVASCRIPT AS $$ export let two = 2 $$;;
CREATE DEFINER='definer'@'%' FUNCTION with_libraries() RETURNS text DETERMINISTIC COMMENT 'LANGUAGE JAVASCRIPT USING (`a`.`b`)'
    LANGUAGE JAVASCRIPT USING (`sha``red` AS s, other) AS $$ return s.one // don't ;; $$;;
DELIMITER ;
