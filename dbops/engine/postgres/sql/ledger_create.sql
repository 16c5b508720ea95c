-- In a schema of its own: what compares the application's models with its schema does not see it there.
CREATE TABLE IF NOT EXISTS dbops.ledger (
  id text PRIMARY KEY,
  parents text[] NOT NULL,
  file_hash text NOT NULL,
  applied_at timestamptz NOT NULL,
  dbops_version text NOT NULL,
  seconds double precision NOT NULL,
  number bigint GENERATED ALWAYS AS IDENTITY
);
CREATE TABLE IF NOT EXISTS dbops.migration (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  revisions text[] NOT NULL,
  begun_at timestamptz NOT NULL,
  backup text NOT NULL,
  dbops_version text NOT NULL
);
COMMENT ON TABLE dbops.ledger IS 'revisions that dbops migrate has run: what they stood on, and of which file';
COMMENT ON TABLE dbops.migration IS 'what a dbops migrate that is running, or was killed, is about to run'
