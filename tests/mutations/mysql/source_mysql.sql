-- What only MySQL has, added to source.sql.
CREATE TABLE documents (
    id INT PRIMARY KEY, doc JSON, hidden INT DEFAULT 7 INVISIBLE, place POINT NOT NULL SRID 4326,
    KEY by_name ((CAST(doc->>'$.name' AS CHAR(30)))), KEY unseen (hidden) INVISIBLE,
    CONSTRAINT lax CHECK (hidden > 0) NOT ENFORCED);
INSERT INTO documents (id, doc, place) VALUES
    (1, '{"name": "one", "n": 1.0}', ST_GeomFromText('POINT(1 2)', 4326)),
    (2, '{"name": "two", "n": 2}', ST_GeomFromText('POINT(3 4)', 4326));
CREATE ROLE IF NOT EXISTS clerks;
