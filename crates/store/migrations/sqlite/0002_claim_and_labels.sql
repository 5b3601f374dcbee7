-- What lists are narrowed by. Runs of before have neither.
ALTER TABLE runs ADD COLUMN claim TEXT;
ALTER TABLE runs ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';  -- JSON: a map of texts

CREATE INDEX runs_by_claim ON runs (claim, started_at);
