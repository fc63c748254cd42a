-- The first tables: scans, assets with their packages, findings with their history, tokens, inbox and outbox.
-- Text that is compared or sorted has the collation "C": the order must be that of bytes, whatever the locale of the server.

-- Numbers that must never be handed out twice, even after the rows that carried them are gone.
CREATE SEQUENCE scan_seq;
CREATE SEQUENCE outbox_seq;

CREATE TABLE scan (
    tenant TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    seq BIGINT NOT NULL,
    idempotency_key TEXT COLLATE "C",
    kind TEXT COLLATE "C" NOT NULL,
    reference TEXT NOT NULL,
    platform TEXT COLLATE "C",
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'running', 'finished', 'failed')),
    submitted_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    error_code TEXT COLLATE "C",
    error_message TEXT,
    asset TEXT COLLATE "C",
    target JSONB,
    summary JSONB,
    coverage JSONB,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, seq),
    UNIQUE (tenant, idempotency_key)
);
CREATE INDEX scan_by_asset ON scan (tenant, asset, seq);
CREATE INDEX scan_by_state ON scan (tenant, state, submitted_at);

CREATE TABLE asset (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C",
    platform TEXT COLLATE "C",
    os JSONB,
    layers JSONB NOT NULL,
    first_seen_at TIMESTAMPTZ NOT NULL,
    last_scan_at TIMESTAMPTZ NOT NULL,
    last_scan UUID NOT NULL,
    last_seq BIGINT NOT NULL,
    search TEXT NOT NULL,
    packages BIGINT NOT NULL DEFAULT 0,
    packages_digest BYTEA,
    gaps BIGINT NOT NULL DEFAULT 0,
    critical BIGINT NOT NULL DEFAULT 0,
    high BIGINT NOT NULL DEFAULT 0,
    medium BIGINT NOT NULL DEFAULT 0,
    low BIGINT NOT NULL DEFAULT 0,
    negligible BIGINT NOT NULL DEFAULT 0,
    none BIGINT NOT NULL DEFAULT 0,
    unknown BIGINT NOT NULL DEFAULT 0,
    kev_open BIGINT NOT NULL DEFAULT 0,
    fixable_open BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX asset_by_last_scan ON asset (tenant, last_scan_at, id);
CREATE INDEX asset_by_name ON asset (tenant, name, id);

-- An alias belongs to the asset that the newest scan found behind it: tags move.
CREATE TABLE asset_alias (
    tenant TEXT COLLATE "C" NOT NULL,
    alias TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (tenant, alias),
    FOREIGN KEY (tenant, asset) REFERENCES asset (tenant, id) ON DELETE CASCADE
);
CREATE INDEX asset_alias_by_asset ON asset_alias (tenant, asset, alias);

CREATE TABLE package (
    tenant TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    search TEXT NOT NULL,
    body JSONB NOT NULL,
    PRIMARY KEY (tenant, asset, position),
    FOREIGN KEY (tenant, asset) REFERENCES asset (tenant, id) ON DELETE CASCADE
);

CREATE TABLE finding (
    tenant TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'fixed')),
    class TEXT COLLATE "C" NOT NULL,
    rule TEXT COLLATE "C" NOT NULL,
    package_name TEXT COLLATE "C" NOT NULL,
    severity SMALLINT NOT NULL,
    attention BIGINT NOT NULL,
    fixable BOOLEAN NOT NULL,
    kev BOOLEAN NOT NULL,
    suppressed BOOLEAN NOT NULL,
    first_seen_at TIMESTAMPTZ NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL,
    fixed_at TIMESTAMPTZ,
    first_scan UUID NOT NULL,
    last_scan UUID NOT NULL,
    search TEXT NOT NULL,
    digest BYTEA NOT NULL,
    body JSONB NOT NULL,
    PRIMARY KEY (tenant, fingerprint),
    FOREIGN KEY (tenant, asset) REFERENCES asset (tenant, id) ON DELETE CASCADE
);
-- Open findings are what people read; without an index of their own a page of them would walk over all that were ever fixed.
CREATE INDEX finding_open_by_attention ON finding (tenant, attention, fingerprint) WHERE state = 'open';
CREATE INDEX finding_by_attention ON finding (tenant, attention, fingerprint);
CREATE INDEX finding_by_last_seen ON finding (tenant, last_seen_at, fingerprint);
CREATE INDEX finding_by_package ON finding (tenant, package_name, fingerprint);
CREATE INDEX finding_by_asset ON finding (tenant, asset, attention, fingerprint);
CREATE INDEX finding_by_rule ON finding (tenant, rule, attention, fingerprint);

-- One event per finding and scan, in the order in which scans were accepted.
CREATE TABLE finding_event (
    tenant TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    transition TEXT COLLATE "C" NOT NULL,
    scan UUID NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (tenant, fingerprint, seq),
    FOREIGN KEY (tenant, fingerprint) REFERENCES finding (tenant, fingerprint) ON DELETE CASCADE
);

CREATE TABLE token (
    tenant TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    scopes JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ,
    PRIMARY KEY (tenant, hash),
    UNIQUE (tenant, name)
);
CREATE UNIQUE INDEX token_by_hash ON token (hash);

-- What was already acted upon: a consumer's effect and its row here commit together.
CREATE TABLE inbox (
    tenant TEXT COLLATE "C" NOT NULL,
    consumer TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, consumer, message_id)
);
CREATE INDEX inbox_by_at ON inbox (at);

-- What must still be told to the bus.
CREATE TABLE outbox (
    tenant TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    body BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, seq)
);
CREATE UNIQUE INDEX outbox_by_seq ON outbox (seq);
