SET sql_mode='';
SET time_zone='+00:00';
SET NAMES utf8mb4;
CREATE TABLE broad (
 id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 `ti` TINYINT UNSIGNED ZEROFILL, sm SMALLINT, me MEDIUMINT, bi BIGINT, bu BIGINT UNSIGNED,
 de DECIMAL(30,10), dz DECIMAL(10,2) UNSIGNED ZEROFILL, nu NUMERIC(65,30),
 db DOUBLE, 
 yy YEAR, da DATE, ti0 TIME, ti6 TIME(6), dt DATETIME, dt3 DATETIME(3), ts TIMESTAMP NULL, ts6 TIMESTAMP(6) NULL,
 ch CHAR(20), vc VARCHAR(60), vcl VARCHAR(2000), bn BINARY(8), vb VARBINARY(60), vbl VARBINARY(2000),
 tt TINYTEXT, tx TEXT, mt MEDIUMTEXT, lt LONGTEXT, tb TINYBLOB, bb BLOB, lb LONGBLOB,
 js JSON, en ENUM('a','b,c','d''e','ü'), se SET('x','y z','q'), bit1 BIT(1), bit13 BIT(13), bit64 BIT(64), boo BOOLEAN,
 asc_ VARCHAR(20) CHARACTER SET ascii, u3 VARCHAR(20) CHARACTER SET utf8mb3, binc VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
 `we``ird, name ) (` VARCHAR(10) DEFAULT 'a,b)' COMMENT 'x; y\n);\n-- z\n/* '' " ` */',
 KEY k (vc), FULLTEXT KEY ft (tx), CHECK (sm < 32000)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='a table; with ''quotes'', and\nnewline)\n);\nINSERT INTO `x` VALUES (1);\n';
INSERT INTO broad (id) VALUES (1);
INSERT INTO broad VALUES (2, 7, -1, -8388608, -9223372036854775808, 18446744073709551615, -12345678901234567890.0123456789, 5.5, 0.000000000000000000000000000001,
 1.5e300, 1999, '0000-00-00', '-838:59:59', '12:00:00.000001', '2004-02-29 23:59:59', '2004-02-29 23:59:59.120', '2030-01-01 00:00:01', '2030-01-01 00:00:01.654321',
 '),(', 'it''s \\ "q" \n\r\t\0\Z ` ; -- x', REPEAT('),(''\\',100), 0x0001020304050607, 0x27272C5C0A0D1A00, REPEAT(0x00FF275C,100),
 'tiny', 'line1\nline2),(\n''x''', 'm', 'l 😀', 't', 0x00, 0xFFFE00275C,
 '{"a": [1, "x),(\\n", null], "é": "\\"q\\" \\\\ 😀"}', 'd''e', 'x,y z', b'1', b'1010101010101', b'1000000000000000000000000000000000000000000000000000000000000001', TRUE,
 'ascii', 'é', '😀ü', 'x');
INSERT INTO broad VALUES (3, 0, 0, 0, 0, 0, 0, 0, 0, -0.0, 0, '2020-02-29', '00:00:00', '00:00:00', '0000-00-00 00:00:00', '1000-01-01 00:00:00', '1970-01-01 00:00:01', '1970-01-01 00:00:01',
 '', '', '', '', '', '', '', '', '', '', '', '', '', '[]', 'ü', '', b'0', b'0', b'0', FALSE, '', '', '', '');
INSERT INTO broad (db, de, vc, tx, js) VALUES (0.1, 0.1, 'NULL', 'NULL', '"NULL"'), (1e22, 1, 'a\0b', 'a\Zb', '1.5'), (123456789012345680, 1, '_binary', '_binary ''x''', 'true'), (1e-7,1,'0x41','\\N','{}'),
 (5e-324,1,'a  ','\t','[1,2]'), (1.7976931348623157e308,1,'%_\\%\\_','\\','null'), (3.141592653589793,1,'\b','\b','0'),(100000,1,'-','-','-1'),(1e15,1,'é','é','1e100'),(1e14,1,'1','1','""'),(-1e16,2,NULL,NULL,NULL);
CREATE TABLE empty_one (a INT);
CREATE TABLE `a``b c;d.e` (`x y` INT, `z``z` VARCHAR(10), `"` INT, `sel'ect` TEXT);
INSERT INTO `a``b c;d.e` VALUES (1,'a',2,'t'),(NULL,NULL,NULL,NULL);
CREATE TABLE gen (a INT, b INT GENERATED ALWAYS AS (a+1) VIRTUAL, c VARCHAR(20) GENERATED ALWAYS AS (CONCAT('),(', a)) STORED, d TEXT);
INSERT INTO gen (a, d) VALUES (1,'x'),(2,'y');
CREATE TABLE invis (a INT, b INT INVISIBLE, c INT);
INSERT INTO invis (a,b,c) VALUES (1,2,3),(4,5,6);
CREATE TABLE fl (a INT, f FLOAT);
INSERT INTO fl VALUES (1, 5592405.5),(2,0.1);
CREATE TABLE lat (a VARCHAR(20), b VARCHAR(20) CHARACTER SET utf8mb4) DEFAULT CHARSET=latin1;
INSERT INTO lat VALUES ('é','é');
CREATE TABLE geo (a INT, g GEOMETRY);
INSERT INTO geo VALUES (1, ST_GeomFromText('POINT(1 2)')),(2,NULL);
CREATE TABLE myi (a INT) ENGINE=MyISAM;
INSERT INTO myi VALUES (1),(2);
CREATE TABLE par (a INT, b VARCHAR(10)) PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO par VALUES (1,'a'),(11,'b');
CREATE TABLE virt (a INT, b INT GENERATED ALWAYS AS (a+1) VIRTUAL, d TEXT);
INSERT INTO virt (a, d) VALUES (1,'x'),(2,NULL);
CREATE TABLE doubles (id INT, d DOUBLE, e DOUBLE(10,3));
INSERT INTO doubles VALUES (1,-0e0,-0e0),(2,1e14,1.5),(3,123456789012345,2),(4,1e15,3),(5,0.0001,0.0001),(6,0.00001,4),(7,1/3,1/3),(8,2e-308,5),(9,-1e-320,6),(10,1e21,7),(11,299792458.123456789,9.9999);
CREATE VIEW v1 AS SELECT id, 'a;b' AS x, vc FROM broad;
CREATE VIEW `v ``2` AS SELECT * FROM v1;
DELIMITER ;;
CREATE PROCEDURE `p;;1`(IN a INT) COMMENT 'x; y'
BEGIN
  -- a comment ; with ;; it's
  # hash ;; comment "
  /* block ;; ' */
  DECLARE s TEXT DEFAULT 'line one;
INSERT INTO `broad` VALUES (1);
DELIMITER ;
\\! echo x
';
  SELECT ";", `a` INTO @x, @y FROM (SELECT 1 AS `a`) AS t;
  IF a > 1 THEN SET s = ';;
'; END IF;
END;;
CREATE FUNCTION f1(a INT) RETURNS INT DETERMINISTIC RETURN a + 1;;
CREATE TRIGGER `tr g` BEFORE INSERT ON `a``b c;d.e` FOR EACH ROW BEGIN SET NEW.`"` = NEW.`"` + 1; SET @x = '));
;;'; END;;
CREATE TRIGGER tr2 AFTER INSERT ON gen FOR EACH ROW SET @y = ';';;
CREATE EVENT `e v` ON SCHEDULE EVERY 1 DAY DO BEGIN SELECT 'x; ; --'; SELECT 2; END;;
CREATE EVENT e2 ON SCHEDULE EVERY 1 HOUR DISABLE DO SELECT 1;;
DELIMITER ;
