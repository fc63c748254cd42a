-- What people make of findings: where they stand, whose they are, what they are called, and who said so when.
ALTER TABLE finding ADD COLUMN status TEXT COLLATE "C" NOT NULL DEFAULT 'open';
ALTER TABLE finding ADD COLUMN aside BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE finding ADD COLUMN assignee TEXT COLLATE "C";
ALTER TABLE finding ADD COLUMN tags JSONB NOT NULL DEFAULT '[]';
ALTER TABLE finding ADD COLUMN decision JSONB;
ALTER TABLE finding ADD COLUMN accepted_until TIMESTAMPTZ;
ALTER TABLE finding ADD COLUMN acknowledged_at TIMESTAMPTZ;
ALTER TABLE finding ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
-- Few findings have any of these, so that the indexes are small.
CREATE INDEX finding_by_status ON finding (tenant, status, attention, fingerprint) WHERE status <> 'open';
CREATE INDEX finding_by_assignee ON finding (tenant, assignee, attention, fingerprint) WHERE assignee IS NOT NULL;
CREATE INDEX finding_by_acceptance ON finding (tenant, accepted_until, fingerprint) WHERE accepted_until IS NOT NULL;

CREATE TABLE finding_change (
    tenant TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    actor TEXT NOT NULL,
    transition TEXT COLLATE "C" NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (tenant, fingerprint, id),
    FOREIGN KEY (tenant, fingerprint) REFERENCES finding (tenant, fingerprint) ON DELETE CASCADE
);

-- One change of many findings, which takes its time, and how they were before, so that it can be taken back.
CREATE TABLE finding_job (
    tenant TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    ask JSONB NOT NULL,
    undoes UUID,
    undone_by UUID,
    asked_by TEXT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'running', 'finished', 'failed', 'cancelled')),
    matched BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    reached TEXT COLLATE "C",
    submitted_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    error_code TEXT COLLATE "C",
    error_message TEXT,
    PRIMARY KEY (tenant, id)
);
CREATE TABLE finding_job_item (
    tenant TEXT COLLATE "C" NOT NULL,
    job UUID NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    before JSONB NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant, job, fingerprint),
    FOREIGN KEY (tenant, job) REFERENCES finding_job (tenant, id) ON DELETE CASCADE
);
