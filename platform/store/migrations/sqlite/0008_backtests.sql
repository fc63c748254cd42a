-- Rules and versions of plugins that are tried on stored events; when keys of incidents were joined, so that it can be forgotten.
CREATE TABLE backtest (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    files TEXT NOT NULL,
    rules TEXT NOT NULL,
    instead INTEGER NOT NULL,
    plugin TEXT,
    digest TEXT,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    asked_by TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'finished', 'failed', 'cancelled')),
    events INTEGER NOT NULL,
    submitted_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    error_code TEXT,
    error_message TEXT,
    difference TEXT,
    PRIMARY KEY (tenant, id)
) STRICT;

ALTER TABLE incident_link ADD COLUMN linked_at INTEGER NOT NULL DEFAULT 0;
