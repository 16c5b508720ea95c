-- Publications: what they publish, and which tables (with column lists and row filters) and schemas.
-- prqual, prattrs and pg_publication_namespace came with 15: before, the names prqual and prattrs fall through to the
-- outer query's NULLs, and the schemas are found by their entries in pg_depend.
SELECT (pg_identify_object('pg_catalog.pg_publication'::regclass, p.oid, 0)).identity,
       concat_ws(E'\n',
           CASE WHEN p.puballtables THEN 'all tables' END,
           format('insert %s, update %s, delete %s, truncate %s, via root %s',
                  p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot),
           'generated columns ' || nullif(to_jsonb(p) ->> 'pubgencols', 'n'),
           (SELECT string_agg(concat_ws(' ', 'table', t.relid::regclass, t.columns, t.filter), E'\n'
                              ORDER BY t.relid::regclass::text)
            FROM (SELECT NULL::pg_node_tree AS prqual, NULL::int2vector AS prattrs) older
            CROSS JOIN LATERAL (
                SELECT r.prrelid AS relid, 'where ' || pg_get_expr(prqual, r.prrelid) AS filter,
                       (SELECT '(' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname) || ')'
                        FROM pg_catalog.pg_attribute a
                        WHERE a.attrelid = r.prrelid AND a.attnum = ANY (prattrs)) AS columns
                FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid) t),
           (SELECT string_agg('schema ' || s.refobjid::regnamespace, E'\n'
                              ORDER BY s.refobjid::regnamespace::text)
            FROM pg_catalog.pg_depend d
            JOIN pg_catalog.pg_depend s ON s.classid = d.classid AND s.objid = d.objid
                                       AND s.refclassid = 'pg_catalog.pg_namespace'::regclass
            WHERE d.classid = to_regclass('pg_catalog.pg_publication_namespace')
              AND d.refclassid = 'pg_catalog.pg_publication'::regclass AND d.refobjid = p.oid))
FROM pg_catalog.pg_publication p
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_publication'::regclass AND e.objid = p.oid AND e.deptype = 'e')
