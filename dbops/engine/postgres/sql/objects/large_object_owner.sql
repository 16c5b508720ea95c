-- Owners of large objects, as one object a role: their number and a digest of their ids, for there may be millions.
SELECT quote_ident(pg_get_userbyid(l.lomowner)),
       format('%s large objects, ids %s', count(*),
              encode(sha256(convert_to(string_agg(l.oid::text, ',' ORDER BY l.oid), 'UTF8')), 'hex'))
FROM pg_catalog.pg_largeobject_metadata l
GROUP BY l.lomowner
