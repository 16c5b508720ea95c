-- The columns of a relation or composite type as one object, by name: a restored inheritance child has the same
-- columns in another order (column_order has the order where it is kept). Views are here for the defaults of their
-- columns. attislocal and attinhcount are left out: a dump attaches children that were created whole. So are storage and
-- compression that a child has in common with its parent: a dump cannot say that it has them not, and then a restored one
-- has. The option pg_attver is left out: minor releases since November 2026 (15.20) keep a number of the server's own
-- there, and their pg_dump leaves it out too.
SELECT (pg_identify_object('pg_catalog.pg_class'::regclass, c.oid, 0)).identity,
       coalesce((
           SELECT string_agg(concat_ws(' ',
                      quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                      'collate ' || CASE WHEN a.attcollation <> t.typcollation
                                         THEN nullif(a.attcollation, 0)::regcollation END,
                      CASE WHEN a.attnotnull THEN 'not null' END,
                      CASE WHEN NOT nn.convalidated THEN 'not valid' END,
                      CASE WHEN nn.connoinherit THEN 'no inherit' END,
                      CASE a.attgenerated WHEN '' THEN 'default' WHEN 's' THEN 'generated stored'
                                          ELSE 'generated virtual' END || ' ' || pg_get_expr(d.adbin, d.adrelid),
                      CASE a.attidentity WHEN 'a' THEN 'identity always' WHEN 'd' THEN 'identity by default' END,
                      CASE WHEN a.attstorage <> t.typstorage AND c.relkind IN ('r', 'p', 'f', 'm')
                                AND up.storage IS DISTINCT FROM a.attstorage
                           THEN 'storage ' || a.attstorage::text END,
                      CASE WHEN up.compression IS DISTINCT FROM to_jsonb(a) ->> 'attcompression'
                           THEN 'compression ' || nullif(to_jsonb(a) ->> 'attcompression', '') END,
                      'statistics ' || nullif(a.attstattarget, -1),
                      'with ' || (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(a.attoptions) o
                                WHERE o NOT LIKE 'pg\_attver=%'),
                      'options ' || (SELECT string_agg(format('%I=%L', o.option_name,
                    CASE WHEN o.option_name
                              ~* '(pass|pwd|secret|token|credential|conninfo|(api|access|private|account)_?key)'
                         THEN '(hidden)'
                         ELSE regexp_replace(o.option_value, '(://[^:/@]*):[^@]*@', '\1:(hidden)@') END),
                    ', ' ORDER BY o.option_name)
          FROM pg_options_to_table(a.attfdwoptions) o)
                  ), E'\n' ORDER BY a.attname)
           FROM pg_catalog.pg_attribute a
           JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
           LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
           -- from 18 on a NOT NULL is a constraint too; its name is left out, pg_dump keeps it only if it is unusual
           LEFT JOIN pg_catalog.pg_constraint nn
                  ON nn.conrelid = a.attrelid AND nn.contype = 'n' AND nn.conkey = ARRAY[a.attnum]
           LEFT JOIN LATERAL (
               SELECT p.attstorage AS storage, to_jsonb(p) ->> 'attcompression' AS compression
               FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_attribute p ON p.attrelid = i.inhparent
               WHERE i.inhrelid = c.oid AND p.attname = a.attname AND NOT c.relispartition
               ORDER BY i.inhseqno LIMIT 1) up ON true
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'c', 'v', 'm')
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
  -- the row type of a composite type carries the membership, not its pg_class entry
  AND NOT (c.relkind = 'c' AND EXISTS (
        SELECT FROM pg_catalog.pg_depend e
        WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = c.reltype AND e.deptype = 'e'))
