-- Reports of other tools: who finds a finding, under which name a report came, and the reports on their way.
ALTER TABLE finding ADD COLUMN found_by JSONB NOT NULL DEFAULT '["palisade"]';
ALTER TABLE scan ADD COLUMN source TEXT COLLATE "C";

CREATE TABLE report_import (
    tenant TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    ask JSONB NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    bytes BIGINT NOT NULL,
    body BYTEA,
    sent_by TEXT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'running', 'finished', 'failed', 'cancelled')),
    submitted_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    outcome JSONB,
    error_code TEXT COLLATE "C",
    error_message TEXT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX report_import_waiting ON report_import (tenant, source, digest) WHERE state IN ('queued', 'running');

-- The youngest report of each source about each asset.
CREATE TABLE import_source (
    tenant TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    made_at TIMESTAMPTZ,
    scan UUID NOT NULL,
    PRIMARY KEY (tenant, asset, source),
    FOREIGN KEY (tenant, asset) REFERENCES asset (tenant, id) ON DELETE CASCADE
);
