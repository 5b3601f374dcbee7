-- A run is its events; the other columns of `runs` are what lists show without reading them.
CREATE TABLE runs (
    id          TEXT PRIMARY KEY NOT NULL,
    name        TEXT NOT NULL UNIQUE,
    experiment  TEXT NOT NULL,
    title       TEXT NOT NULL,
    digest      TEXT NOT NULL,
    started_at  INTEGER NOT NULL,          -- microseconds since 1970
    fence       INTEGER NOT NULL,          -- only its holder may append
    ended_at    INTEGER,                   -- with the conclusion
    outcome     TEXT,
    verdict     TEXT,
    reason      TEXT
) STRICT;

CREATE INDEX runs_by_start ON runs (started_at);
CREATE INDEX runs_by_experiment ON runs (experiment, started_at);

-- The documents a run was made from, byte for byte.
CREATE TABLE documents (
    run      TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    role     TEXT NOT NULL,                -- experiment, slo, binding
    file     TEXT NOT NULL,
    content  BLOB NOT NULL,
    PRIMARY KEY (run, role, file)
) STRICT;

CREATE TABLE events (
    run          TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    sequence     INTEGER NOT NULL,
    at           INTEGER NOT NULL,         -- microseconds since 1970
    since_start  INTEGER NOT NULL,         -- nanoseconds since the run began
    body         TEXT NOT NULL,            -- JSON: a map with one key
    PRIMARY KEY (run, sequence)
) STRICT, WITHOUT ROWID;
