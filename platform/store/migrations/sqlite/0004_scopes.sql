-- What posture scans learn beside findings: resources, assessments, exceptions, and the hash chain of evidence.

-- What a finding is about, where that is one resource of its asset.
ALTER TABLE finding ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE INDEX finding_by_subject ON finding (tenant, asset, subject, attention, fingerprint) WHERE subject <> '';

-- The newest state of a scope. The snapshot is in the form that its reader knows.
CREATE TABLE scope (
    tenant TEXT NOT NULL,
    asset TEXT NOT NULL,
    scan TEXT NOT NULL,
    at INTEGER NOT NULL,
    input TEXT NOT NULL,
    resources INTEGER NOT NULL,
    snapshot BLOB NOT NULL,
    PRIMARY KEY (tenant, asset),
    FOREIGN KEY (tenant, asset) REFERENCES asset (tenant, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE resource (
    tenant TEXT NOT NULL,
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    path TEXT NOT NULL,
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    exposure TEXT NOT NULL,
    attention INTEGER NOT NULL,
    counts TEXT NOT NULL,
    attributes TEXT NOT NULL,
    search TEXT NOT NULL,
    digest BLOB NOT NULL,
    first_seen_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, scope, id),
    FOREIGN KEY (tenant, scope) REFERENCES scope (tenant, asset) ON DELETE CASCADE
) STRICT;
CREATE INDEX resource_by_attention ON resource (tenant, attention, id);
CREATE INDEX resource_by_kind ON resource (tenant, kind, attention, id);

-- Every assessment is kept: the trend is made of them.
CREATE TABLE assessment (
    tenant TEXT NOT NULL,
    scope TEXT NOT NULL,
    framework TEXT NOT NULL,
    seq INTEGER NOT NULL,
    scan TEXT NOT NULL,
    at INTEGER NOT NULL,
    summary TEXT NOT NULL,
    controls TEXT NOT NULL,
    PRIMARY KEY (tenant, scope, framework, seq),
    FOREIGN KEY (tenant, scope) REFERENCES scope (tenant, asset) ON DELETE CASCADE
) STRICT;

-- What somebody took the responsibility for. Never deleted: an exception ends by its expiry or by being revoked.
CREATE TABLE exception (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX exception_by_expiry ON exception (tenant, expires_at, id);

-- The hash chain of evidence: nothing in it is ever changed, and each record names the one before and the assessment that it is about.
CREATE TABLE evidence (
    tenant TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    scope TEXT NOT NULL,
    scan TEXT NOT NULL,
    hash TEXT NOT NULL,
    record TEXT NOT NULL,
    assessment BLOB NOT NULL,
    PRIMARY KEY (tenant, sequence)
) STRICT;
CREATE INDEX evidence_by_scope ON evidence (tenant, scope, sequence);

-- The end of each chain: whoever appends locks this row first.
CREATE TABLE evidence_head (
    tenant TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (tenant)
) STRICT;
