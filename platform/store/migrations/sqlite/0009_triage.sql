-- What people make of findings: where they stand, whose they are, what they are called, and who said so when.
ALTER TABLE finding ADD COLUMN status TEXT NOT NULL DEFAULT 'open';
ALTER TABLE finding ADD COLUMN aside INTEGER NOT NULL DEFAULT 0;
ALTER TABLE finding ADD COLUMN assignee TEXT;
ALTER TABLE finding ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE finding ADD COLUMN decision TEXT;
ALTER TABLE finding ADD COLUMN accepted_until INTEGER;
ALTER TABLE finding ADD COLUMN acknowledged_at INTEGER;
ALTER TABLE finding ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
-- Few findings have any of these, so that the indexes are small.
CREATE INDEX finding_by_status ON finding (tenant, status, attention, fingerprint) WHERE status <> 'open';
CREATE INDEX finding_by_assignee ON finding (tenant, assignee, attention, fingerprint) WHERE assignee IS NOT NULL;
CREATE INDEX finding_by_acceptance ON finding (tenant, accepted_until, fingerprint) WHERE accepted_until IS NOT NULL;

CREATE TABLE finding_change (
    tenant TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    transition TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (tenant, fingerprint, id),
    FOREIGN KEY (tenant, fingerprint) REFERENCES finding (tenant, fingerprint) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- One change of many findings, which takes its time, and how they were before, so that it can be taken back.
CREATE TABLE finding_job (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    ask TEXT NOT NULL,
    undoes TEXT,
    undone_by TEXT,
    asked_by TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'finished', 'failed', 'cancelled')),
    matched INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    reached TEXT,
    submitted_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    error_code TEXT,
    error_message TEXT,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE TABLE finding_job_item (
    tenant TEXT NOT NULL,
    job TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    before TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (tenant, job, fingerprint),
    FOREIGN KEY (tenant, job) REFERENCES finding_job (tenant, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
