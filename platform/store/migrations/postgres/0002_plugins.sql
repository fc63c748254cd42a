-- Installed plugins: their components, versions, grants and state, and the audit log of what was decided and denied.
CREATE SEQUENCE plugin_seq;
CREATE SEQUENCE audit_seq;

CREATE TABLE plugin_component (
    tenant TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (tenant, digest)
);

CREATE TABLE plugin_version (
    tenant TEXT COLLATE "C" NOT NULL,
    plugin TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN
        ('installed', 'verified', 'compiled', 'ready', 'waiting', 'canary', 'quarantined', 'retired', 'refused')),
    source TEXT NOT NULL,
    signers JSONB NOT NULL,
    note TEXT NOT NULL,
    installed_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (tenant, plugin, digest),
    FOREIGN KEY (tenant, digest) REFERENCES plugin_component (tenant, digest)
);
-- One version of a plugin is in force, and one at most runs beside it.
CREATE UNIQUE INDEX plugin_version_in_force ON plugin_version (tenant, plugin) WHERE state IN ('ready', 'quarantined');
CREATE UNIQUE INDEX plugin_version_canary ON plugin_version (tenant, plugin) WHERE state = 'canary';

CREATE TABLE plugin_grant (
    tenant TEXT COLLATE "C" NOT NULL,
    plugin TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    rights JSONB NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, plugin, digest),
    FOREIGN KEY (tenant, plugin, digest) REFERENCES plugin_version (tenant, plugin, digest) ON DELETE CASCADE
);

-- What a plugin keeps, over all its versions.
CREATE TABLE plugin_state (
    tenant TEXT COLLATE "C" NOT NULL,
    plugin TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value BYTEA NOT NULL,
    PRIMARY KEY (tenant, plugin, key)
);

-- Who did what, and what was denied to whom. Nothing here is ever changed.
CREATE TABLE audit_event (
    tenant TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    actor TEXT NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (tenant, seq)
);
CREATE INDEX audit_event_by_subject ON audit_event (tenant, subject, seq);
