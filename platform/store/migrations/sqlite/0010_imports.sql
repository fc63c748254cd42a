-- Reports of other tools: who finds a finding, under which name a report came, and the reports on their way.
ALTER TABLE finding ADD COLUMN found_by TEXT NOT NULL DEFAULT '["palisade"]';
ALTER TABLE scan ADD COLUMN source TEXT;

CREATE TABLE report_import (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    ask TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    body BLOB,
    sent_by TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'finished', 'failed', 'cancelled')),
    submitted_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    outcome TEXT,
    error_code TEXT,
    error_message TEXT,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX report_import_waiting ON report_import (tenant, source, digest) WHERE state IN ('queued', 'running');

-- The youngest report of each source about each asset.
CREATE TABLE import_source (
    tenant TEXT NOT NULL,
    asset TEXT NOT NULL,
    source TEXT NOT NULL,
    made_at INTEGER,
    scan TEXT NOT NULL,
    PRIMARY KEY (tenant, asset, source),
    FOREIGN KEY (tenant, asset) REFERENCES asset (tenant, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
