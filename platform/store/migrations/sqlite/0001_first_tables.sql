-- The first tables: scans, assets with their packages, findings with their history, tokens, inbox and outbox.
-- Times are microseconds since 1970 in UTC, uuids and JSON are text, booleans are 0 and 1.

-- Numbers that must never be handed out twice, even after the rows that carried them are gone.
CREATE TABLE sequence (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

CREATE TABLE scan (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    idempotency_key TEXT,
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    platform TEXT,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'finished', 'failed')),
    submitted_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    error_code TEXT,
    error_message TEXT,
    asset TEXT,
    target TEXT,
    summary TEXT,
    coverage TEXT,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, seq),
    UNIQUE (tenant, idempotency_key)
) STRICT;
CREATE INDEX scan_by_asset ON scan (tenant, asset, seq);
CREATE INDEX scan_by_state ON scan (tenant, state, submitted_at);

CREATE TABLE asset (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT,
    platform TEXT,
    os TEXT,
    layers TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_scan_at INTEGER NOT NULL,
    last_scan TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    search TEXT NOT NULL,
    packages INTEGER NOT NULL DEFAULT 0,
    packages_digest BLOB,
    gaps INTEGER NOT NULL DEFAULT 0,
    critical INTEGER NOT NULL DEFAULT 0,
    high INTEGER NOT NULL DEFAULT 0,
    medium INTEGER NOT NULL DEFAULT 0,
    low INTEGER NOT NULL DEFAULT 0,
    negligible INTEGER NOT NULL DEFAULT 0,
    none INTEGER NOT NULL DEFAULT 0,
    unknown INTEGER NOT NULL DEFAULT 0,
    kev_open INTEGER NOT NULL DEFAULT 0,
    fixable_open INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX asset_by_last_scan ON asset (tenant, last_scan_at, id);
CREATE INDEX asset_by_name ON asset (tenant, name, id);

-- An alias belongs to the asset that the newest scan found behind it: tags move.
CREATE TABLE asset_alias (
    tenant TEXT NOT NULL,
    alias TEXT NOT NULL,
    asset TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, alias),
    FOREIGN KEY (tenant, asset) REFERENCES asset (tenant, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX asset_alias_by_asset ON asset_alias (tenant, asset, alias);

CREATE TABLE package (
    tenant TEXT NOT NULL,
    asset TEXT NOT NULL,
    position INTEGER NOT NULL,
    search TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, asset, position),
    FOREIGN KEY (tenant, asset) REFERENCES asset (tenant, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE finding (
    tenant TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    asset TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'fixed')),
    class TEXT NOT NULL,
    rule TEXT NOT NULL,
    package_name TEXT NOT NULL,
    severity INTEGER NOT NULL,
    attention INTEGER NOT NULL,
    fixable INTEGER NOT NULL,
    kev INTEGER NOT NULL,
    suppressed INTEGER NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    fixed_at INTEGER,
    first_scan TEXT NOT NULL,
    last_scan TEXT NOT NULL,
    search TEXT NOT NULL,
    digest BLOB NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, fingerprint),
    FOREIGN KEY (tenant, asset) REFERENCES asset (tenant, id) ON DELETE CASCADE
) STRICT;
-- Open findings are what people read; without an index of their own a page of them would walk over all that were ever fixed.
CREATE INDEX finding_open_by_attention ON finding (tenant, attention, fingerprint) WHERE state = 'open';
CREATE INDEX finding_by_attention ON finding (tenant, attention, fingerprint);
CREATE INDEX finding_by_last_seen ON finding (tenant, last_seen_at, fingerprint);
CREATE INDEX finding_by_package ON finding (tenant, package_name, fingerprint);
CREATE INDEX finding_by_asset ON finding (tenant, asset, attention, fingerprint);
CREATE INDEX finding_by_rule ON finding (tenant, rule, attention, fingerprint);

-- One event per finding and scan, in the order in which scans were accepted.
CREATE TABLE finding_event (
    tenant TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    transition TEXT NOT NULL,
    scan TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (tenant, fingerprint, seq),
    FOREIGN KEY (tenant, fingerprint) REFERENCES finding (tenant, fingerprint) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    tenant TEXT NOT NULL,
    hash BLOB NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    PRIMARY KEY (tenant, hash),
    UNIQUE (tenant, name)
) STRICT;
CREATE UNIQUE INDEX token_by_hash ON token (hash);

-- What was already acted upon: a consumer's effect and its row here commit together.
CREATE TABLE inbox (
    tenant TEXT NOT NULL,
    consumer TEXT NOT NULL,
    message_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, consumer, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_by_at ON inbox (at);

-- What must still be told to the bus.
CREATE TABLE outbox (
    tenant TEXT NOT NULL,
    seq INTEGER NOT NULL,
    id TEXT NOT NULL,
    subject TEXT NOT NULL,
    body BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, seq)
) STRICT;
CREATE UNIQUE INDEX outbox_by_seq ON outbox (seq);
