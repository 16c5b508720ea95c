-- Every large object with its first megabyte; longer ones are read on from there.
SELECT oid, lo_get(oid, 0, 1048576) FROM pg_largeobject_metadata ORDER BY oid
