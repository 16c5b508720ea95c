CREATE TABLE IF NOT EXISTS dbops_migration (
  only_one TINYINT NOT NULL DEFAULT 1 PRIMARY KEY,
  revisions TEXT NOT NULL,
  begun_at DATETIME(6) NOT NULL,
  backup VARCHAR(40) NOT NULL,
  dbops_version VARCHAR(40) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='what a dbops migrate that is running, or was killed, is about to run'
