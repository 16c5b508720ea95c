-- One of each kind of object that both products have, in a database of any name. Needs accounts 'definer'@'%' and
-- 'reader'@'localhost'. The files mysql_objects_*.sql add what only one of the products has.
CREATE TABLE parent (
  id int unsigned NOT NULL AUTO_INCREMENT,
  code varchar(20) CHARACTER SET ascii NOT NULL DEFAULT 'x',
  `weird ``name' é` varchar(40) COLLATE utf8mb4_bin DEFAULT 'it''s "q" \\ back' COMMENT 'a ''comment'' — with é',
  nothing varchar(10) DEFAULT NULL,
  word_null varchar(10) DEFAULT 'NULL',
  blank varchar(10) NOT NULL DEFAULT '',
  made timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  day date NOT NULL DEFAULT '2000-01-01',
  price decimal(10,2) NOT NULL DEFAULT 1.50,
  ratio float NOT NULL DEFAULT 0.1,
  flags set('a','b','c') NOT NULL DEFAULT 'a,b',
  state enum('new','it''s','old') CHARACTER SET latin1 DEFAULT 'new',
  b bit(5) NOT NULL DEFAULT b'101',
  bin varbinary(20) DEFAULT 'a\0b',
  doc json DEFAULT NULL,
  total decimal(12,2) GENERATED ALWAYS AS (price * 2) VIRTUAL,
  kept varchar(60) GENERATED ALWAYS AS (concat(code, '-', upper(nothing))) STORED,
  calc int DEFAULT (1 + 2),
  place point NOT NULL,
  body text,
  PRIMARY KEY (id),
  UNIQUE KEY by_code (code, day),
  KEY pre (body(20), made DESC),
  KEY `odd ``key` (`weird ``name' é`(5)) COMMENT 'of an index',
  FULLTEXT KEY words (body),
  SPATIAL KEY where_it_is (place)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='the parent''s "table"' ROW_FORMAT=DYNAMIC AUTO_INCREMENT=1000;
CREATE TABLE child (
  parent_id int unsigned NOT NULL,
  n int NOT NULL,
  other int unsigned DEFAULT NULL,
  CONSTRAINT positive CHECK (n > 0 AND n <> 13),
  PRIMARY KEY (parent_id, n),
  KEY other (other),
  CONSTRAINT child_parent FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE RESTRICT,
  CONSTRAINT child_other FOREIGN KEY (other) REFERENCES parent (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_german1_ci;
CREATE TABLE itself (id int PRIMARY KEY, up int, FOREIGN KEY (up) REFERENCES itself (id)) ENGINE=InnoDB;
CREATE TABLE parts (id int NOT NULL, at date NOT NULL, what varchar(10) NOT NULL, PRIMARY KEY (id, at)) ENGINE=InnoDB
  PARTITION BY RANGE (year(at)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2
  (PARTITION p0 VALUES LESS THAN (2000) COMMENT = 'old', PARTITION p1 VALUES LESS THAN (2020), PARTITION p2 VALUES LESS THAN MAXVALUE);
CREATE TABLE listed (id int NOT NULL, c varchar(10) NOT NULL) ENGINE=InnoDB
  PARTITION BY LIST COLUMNS (c) (PARTITION pa VALUES IN ('a','b'), PARTITION pb VALUES IN ('it''s'));
CREATE TABLE keyed (id int NOT NULL PRIMARY KEY) ENGINE=InnoDB PARTITION BY KEY (id) PARTITIONS 3;
CREATE TABLE packed (id int PRIMARY KEY, t text) ENGINE=InnoDB ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8 STATS_PERSISTENT=1;
CREATE TABLE isam (id int PRIMARY KEY AUTO_INCREMENT, t varchar(10), FULLTEXT KEY ft (t)) ENGINE=MyISAM DELAY_KEY_WRITE=1 AUTO_INCREMENT=7;
CREATE TABLE quick (id int, KEY h (id) USING HASH, KEY b (id) USING BTREE) ENGINE=MEMORY;
CREATE TABLE m1 (id int, KEY (id)) ENGINE=MyISAM;
CREATE TABLE merged (id int, KEY (id)) ENGINE=MRG_MyISAM UNION=(m1) INSERT_METHOD=LAST;
INSERT INTO parent (code, place) VALUES ('a', ST_GeomFromText('POINT(1 2)')), ('b', ST_GeomFromText('POINT(3 4)'));
INSERT INTO child VALUES (1000, 1, 1001), (1001, 2, NULL);
INSERT INTO parts VALUES (1, '1999-01-01', 'x'), (2, '2019-01-01', 'y');
DELETE FROM parent WHERE code = 'none';

CREATE DEFINER='definer'@'%' SQL SECURITY INVOKER VIEW simple AS SELECT id, code FROM parent WHERE price > 1 WITH LOCAL CHECK OPTION;
CREATE ALGORITHM=TEMPTABLE VIEW joined (a, `b c`) AS SELECT p.id, CONCAT(p.code, 'é 😀') FROM parent p LEFT JOIN child c ON c.parent_id = p.id GROUP BY p.id, p.code;
CREATE ALGORITHM=MERGE VIEW upon AS SELECT a FROM joined WHERE a IN (SELECT id FROM itself);

DELIMITER //
CREATE DEFINER='definer'@'%' PROCEDURE do_it (IN a int, OUT b varchar(10) CHARACTER SET latin1, INOUT c decimal(5,2))
  MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT 'does ''it'' é'
BEGIN
  -- a comment of its own
  SET b = 'é';
  INSERT INTO itself VALUES (a, NULL);
END//
CREATE FUNCTION twice (x int) RETURNS int DETERMINISTIC NO SQL RETURN x * 2//
CREATE FUNCTION greeting () RETURNS varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin READS SQL DATA NOT DETERMINISTIC
RETURN (SELECT code FROM parent LIMIT 1)//
CREATE TRIGGER first_one BEFORE INSERT ON parent FOR EACH ROW SET NEW.code = CONCAT(NEW.code, '😀')//
CREATE DEFINER='definer'@'%' TRIGGER second_one BEFORE INSERT ON parent FOR EACH ROW FOLLOWS first_one
BEGIN
  IF NEW.price < 0 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'it''s negative'; END IF;
END//
CREATE TRIGGER after_all AFTER DELETE ON child FOR EACH ROW DELETE FROM itself WHERE id = OLD.n//
SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'//
CREATE PROCEDURE other_mode () SELECT "id" AS "x y", 'a\' FROM parent//
CREATE TRIGGER other_mode AFTER UPDATE ON child FOR EACH ROW INSERT INTO "itself" VALUES (NEW."n", NULL)//
SET sql_mode = DEFAULT//
CREATE EVENT every_day ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 03:00:00' ENDS '2036-01-01 00:00:00' ON COMPLETION PRESERVE
  COMMENT 'nightly ''é''' DO DELETE FROM child WHERE n = 99//
CREATE DEFINER='definer'@'%' EVENT off ON SCHEDULE EVERY '1:30' HOUR_MINUTE STARTS '2035-01-01 00:00:00' DISABLE DO BEGIN SET @x = '😀'; END//
CREATE EVENT once ON SCHEDULE AT '2037-05-05 05:05:05' DO SET @y = 1//
DELIMITER ;
