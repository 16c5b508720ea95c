INSERT INTO dbops.ledger (id, parents, file_hash, applied_at, dbops_version, seconds)
VALUES (%(id)s, %(parents)s, %(file_hash)s, %(applied_at)s, %(dbops_version)s, %(duration)s)
