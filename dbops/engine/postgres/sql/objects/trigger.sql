-- Triggers. A partition's copy of its parent's trigger follows from the parent's, unless it was enabled or disabled by
-- itself, which pg_dump keeps (pg_dump.c, getTriggers).
SELECT (pg_identify_object('pg_catalog.pg_trigger'::regclass, t.oid, 0)).identity,
       concat_ws(E'\n',
           CASE WHEN t.tgparentid = 0 THEN pg_get_triggerdef(t.oid) ELSE 'as on the parent' END,
           CASE t.tgenabled WHEN 'O' THEN NULL WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'enabled replica'
                            ELSE 'enabled always' END)
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_trigger parent ON parent.oid = t.tgparentid
WHERE CASE WHEN t.tgparentid = 0 THEN NOT t.tgisinternal
           -- not those that check a key: their names are numbers
           ELSE t.tgenabled <> parent.tgenabled
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                                WHERE k.oid = t.tgconstraint AND k.contype <> 't')
      END
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
