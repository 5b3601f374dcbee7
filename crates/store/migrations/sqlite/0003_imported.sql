-- Whether a run was made elsewhere: what it measured is of another place.
ALTER TABLE runs ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
