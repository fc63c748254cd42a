-- What posture scans learn beside findings: resources, assessments, exceptions, and the hash chain of evidence.

-- What a finding is about, where that is one resource of its asset.
ALTER TABLE finding ADD COLUMN subject TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX finding_by_subject ON finding (tenant, asset, subject, attention, fingerprint) WHERE subject <> '';

-- The newest state of a scope. The snapshot is in the form that its reader knows.
CREATE TABLE scope (
    tenant TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    scan UUID NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    input TEXT NOT NULL,
    resources BIGINT NOT NULL,
    snapshot BYTEA NOT NULL,
    PRIMARY KEY (tenant, asset),
    FOREIGN KEY (tenant, asset) REFERENCES asset (tenant, id) ON DELETE CASCADE
);

CREATE TABLE resource (
    tenant TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    namespace TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    exposure TEXT COLLATE "C" NOT NULL,
    attention BIGINT NOT NULL,
    counts JSONB NOT NULL,
    attributes JSONB NOT NULL,
    search TEXT NOT NULL,
    digest BYTEA NOT NULL,
    first_seen_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, scope, id),
    FOREIGN KEY (tenant, scope) REFERENCES scope (tenant, asset) ON DELETE CASCADE
);
CREATE INDEX resource_by_attention ON resource (tenant, attention, id);
CREATE INDEX resource_by_kind ON resource (tenant, kind, attention, id);

-- Every assessment is kept: the trend is made of them.
CREATE TABLE assessment (
    tenant TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    framework TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    scan UUID NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    summary JSONB NOT NULL,
    controls JSONB NOT NULL,
    PRIMARY KEY (tenant, scope, framework, seq),
    FOREIGN KEY (tenant, scope) REFERENCES scope (tenant, asset) ON DELETE CASCADE
);

-- What somebody took the responsibility for. Never deleted: an exception ends by its expiry or by being revoked.
CREATE TABLE exception (
    tenant TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    body JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX exception_by_expiry ON exception (tenant, expires_at, id);

-- The hash chain of evidence: nothing in it is ever changed, and each record names the one before and the assessment that it is about.
CREATE TABLE evidence (
    tenant TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    scan UUID NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    record TEXT NOT NULL,
    assessment BYTEA NOT NULL,
    PRIMARY KEY (tenant, sequence)
);
CREATE INDEX evidence_by_scope ON evidence (tenant, scope, sequence);

-- The end of each chain: whoever appends locks this row first.
CREATE TABLE evidence_head (
    tenant TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant)
);
