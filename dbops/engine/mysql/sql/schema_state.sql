-- One row of everything that a schema change would alter, on one server: name and a mark of its present state. MariaDB gives no
-- time of a table for as long as it works with what its own purge has opened (an index over a virtual column): such a mark is ''.
SELECT CONCAT('table ', t.table_name) AS name,
       CONCAT_WS(' ', t.table_type, t.engine, t.create_options, t.table_collation, QUOTE(t.table_comment)) AS state
FROM information_schema.tables t WHERE t.table_schema = DATABASE() AND t.table_type <> 'TEMPORARY'
UNION ALL
SELECT CONCAT('table ', t.table_name, ' (made anew)'), IFNULL(t.create_time, '')
FROM information_schema.tables t WHERE t.table_schema = DATABASE() AND t.table_type <> 'TEMPORARY'
UNION ALL
SELECT CONCAT('column ', c.table_name, '.', c.column_name),
       SHA2(CONCAT_WS(' ', c.ordinal_position, c.column_type, c.collation_name, c.is_nullable, QUOTE(c.column_default), c.extra,
                      c.generation_expression, QUOTE(c.column_comment)), 256)
FROM information_schema.columns c WHERE c.table_schema = DATABASE()
UNION ALL
SELECT CONCAT('index ', i.table_name, '.', i.index_name, ' ', i.seq_in_index),
       CONCAT_WS(' ', i.non_unique, i.column_name, i.collation, i.sub_part, i.index_type)
FROM information_schema.statistics i WHERE i.table_schema = DATABASE()
UNION ALL
SELECT CONCAT('constraint ', k.table_name, '.', k.constraint_name), k.constraint_type
FROM information_schema.table_constraints k WHERE k.constraint_schema = DATABASE()
UNION ALL
SELECT CONCAT('view ', v.table_name), SHA2(CONCAT_WS(' ', v.definer, v.security_type, v.check_option, v.view_definition), 256)
FROM information_schema.views v WHERE v.table_schema = DATABASE()
UNION ALL
SELECT CONCAT(LOWER(r.routine_type), ' ', r.routine_name),
       SHA2(CONCAT_WS(' ', r.last_altered, r.definer, r.sql_mode, r.routine_definition), 256)
FROM information_schema.routines r WHERE r.routine_schema = DATABASE()
UNION ALL
SELECT CONCAT('trigger ', g.trigger_name),
       SHA2(CONCAT_WS(' ', g.created, g.definer, g.event_object_table, g.action_order, g.sql_mode, g.action_statement), 256)
FROM information_schema.triggers g WHERE g.trigger_schema = DATABASE()
UNION ALL
SELECT CONCAT('event ', e.event_name), SHA2(CONCAT_WS(' ', e.last_altered, e.definer, e.sql_mode, e.event_definition), 256)
FROM information_schema.events e WHERE e.event_schema = DATABASE()
