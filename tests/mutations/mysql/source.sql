-- One of everything that a mutation can break. Small: it is dumped and restored once for each mutation.
CREATE TABLE customers (
    id INT AUTO_INCREMENT PRIMARY KEY, first_name VARCHAR(40) NOT NULL, last_name VARCHAR(40) NOT NULL,
    note VARCHAR(100), mood ENUM('sad','ok','happy') DEFAULT 'ok' COMMENT 'how they feel',
    email VARCHAR(60) CHARACTER SET ascii, code VARCHAR(20) COLLATE utf8mb4_bin, biography TEXT,
    seen TIMESTAMP NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP,
    UNIQUE KEY by_email (email), FULLTEXT KEY words (biography)) DEFAULT CHARSET = utf8mb4;
INSERT INTO customers (first_name, last_name, note, email, code, biography)
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200)
    SELECT CONCAT('José ', n), CONCAT('Müller ', n),
        CASE n MOD 5 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE CONCAT('note ', n) END,
        CONCAT('user', n, '@example.org'), CONCAT('C', n), CONCAT('born in ', 1900 + n, ', it''s said; 😀') FROM n;

CREATE TABLE invoices (
    id BIGINT AUTO_INCREMENT PRIMARY KEY, customer_id INT NOT NULL, total DECIMAL(12,2) NOT NULL,
    gross DECIMAL(14,4) AS (total * 1.16) STORED, due INT AS (customer_id * 2) VIRTUAL,
    KEY by_customer (customer_id), KEY by_total (total DESC),
    CONSTRAINT invoices_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE,
    CONSTRAINT invoices_total CHECK (total >= 0)) DEFAULT CHARSET = utf8mb4 COMMENT = 'what customers owe';
INSERT INTO invoices (customer_id, total)
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 400) SELECT 1 + n MOD 200, n / 7 FROM n;

CREATE TABLE events (at DATE NOT NULL, what VARCHAR(40)) DEFAULT CHARSET = utf8mb4
    PARTITION BY RANGE COLUMNS (at) (PARTITION old VALUES LESS THAN ('2025-01-01'), PARTITION new VALUES LESS THAN (MAXVALUE));
INSERT INTO events WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 300)
    SELECT DATE '2024-06-01' + INTERVAL n DAY, CONCAT('event ', n) FROM n;

CREATE TABLE kinds (
    id INT PRIMARY KEY, f FLOAT, d DOUBLE, n DECIMAL(20,6), at TIMESTAMP(6) NULL, local DATETIME(3), day DATE, span TIME(2),
    y YEAR, j JSON, bits BIT(13), mood ENUM('sad','ok','happy'), tags SET('a','b','c'), bytes VARBINARY(40), fixed BINARY(8),
    picture LONGBLOB, big BIGINT UNSIGNED, small TINYINT, flag BOOLEAN, place POINT,
    old VARCHAR(20) CHARACTER SET latin1, three VARCHAR(20) CHARACTER SET utf8mb3, words MEDIUMTEXT) DEFAULT CHARSET = utf8mb4;
INSERT INTO kinds WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 50)
    SELECT n, n / 4, n / 3, n / 4, TIMESTAMP('2026-03-29 00:30:00.123456') + INTERVAL n MINUTE,
        TIMESTAMP('2026-03-29 02:30:00.125') + INTERVAL n SECOND, DATE '2026-01-01' + INTERVAL n DAY, SEC_TO_TIME(n * 3600) ,
        2000 + n, JSON_OBJECT('n', n, 'list', JSON_ARRAY(n, NULL), 'text', 'é "q"'), n, 'ok', 'a,c', UNHEX(SHA2(n, 256)),
        UNHEX(LPAD(HEX(n), 16, '0')), REPEAT(UNHEX('00FF275C0A'), n), 18446744073709551615 - n, n - 25, n MOD 2,
        ST_GeomFromText(CONCAT('POINT(', n, ' ', n / 2, ')')), CONCAT('é', n), CONCAT('ü', n), REPEAT(CONCAT('line ', n, '\n'), 9)
    FROM n;
UPDATE kinds SET day = '0000-00-00', local = '0000-00-00 00:00:00' WHERE id = 7;
UPDATE kinds SET d = -0e0 WHERE id = 8;
CREATE TABLE sorts LIKE kinds;
CREATE TABLE breeds LIKE kinds;
CREATE TABLE classes LIKE kinds;
INSERT INTO sorts SELECT * FROM kinds;
INSERT INTO breeds SELECT * FROM kinds;
INSERT INTO classes SELECT * FROM kinds;

CREATE TABLE `a ``table`` of %s; --` (id INT PRIMARY KEY, `Ünïcode` VARCHAR(20)) DEFAULT CHARSET = utf8mb4;
INSERT INTO `a ``table`` of %s; --` WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20)
    SELECT n, CONCAT('row ', n) FROM n;
CREATE TABLE places (id INT PRIMARY KEY, spot POINT NOT NULL, SPATIAL KEY by_spot (spot));
INSERT INTO places VALUES (1, ST_GeomFromText('POINT(1 2)')), (2, ST_GeomFromText('POINT(3 4)'));
CREATE TABLE counted (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(9)) AUTO_INCREMENT = 500;
INSERT INTO counted (what) VALUES ('one'), ('two'), ('three');
DELETE FROM counted WHERE what = 'three';

CREATE VIEW open_invoices AS SELECT * FROM invoices WHERE total > 10;
CREATE DEFINER = 'owner'@'%' SQL SECURITY INVOKER VIEW owned AS SELECT id FROM customers;
DELIMITER //
CREATE TRIGGER touch BEFORE UPDATE ON customers FOR EACH ROW
BEGIN IF NEW.last_name <> OLD.last_name THEN SET NEW.note = 'touched'; END IF; END//
CREATE TRIGGER second_touch BEFORE UPDATE ON customers FOR EACH ROW FOLLOWS touch SET NEW.code = NEW.code//
CREATE PROCEDURE tidy () DELETE FROM events WHERE at < '2000-01-01'//
CREATE FUNCTION twice (n INT) RETURNS INT DETERMINISTIC RETURN n * 2//
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 00:00:00' COMMENT 'at night' DO CALL tidy()//
DELIMITER ;
