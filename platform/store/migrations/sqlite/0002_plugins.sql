-- Installed plugins: their components, versions, grants and state, and the audit log of what was decided and denied.
CREATE TABLE plugin_component (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (tenant, digest)
) STRICT;

CREATE TABLE plugin_version (
    tenant TEXT NOT NULL,
    plugin TEXT NOT NULL,
    digest TEXT NOT NULL,
    version TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('installed', 'verified', 'compiled', 'ready', 'waiting', 'canary', 'quarantined', 'retired', 'refused')),
    source TEXT NOT NULL,
    signers TEXT NOT NULL,
    note TEXT NOT NULL,
    installed_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, plugin, digest),
    FOREIGN KEY (tenant, digest) REFERENCES plugin_component (tenant, digest)
) STRICT;
-- One version of a plugin is in force, and one at most runs beside it.
CREATE UNIQUE INDEX plugin_version_in_force ON plugin_version (tenant, plugin) WHERE state IN ('ready', 'quarantined');
CREATE UNIQUE INDEX plugin_version_canary ON plugin_version (tenant, plugin) WHERE state = 'canary';

CREATE TABLE plugin_grant (
    tenant TEXT NOT NULL,
    plugin TEXT NOT NULL,
    digest TEXT NOT NULL,
    rights TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, plugin, digest),
    FOREIGN KEY (tenant, plugin, digest) REFERENCES plugin_version (tenant, plugin, digest) ON DELETE CASCADE
) STRICT;

-- What a plugin keeps, over all its versions.
CREATE TABLE plugin_state (
    tenant TEXT NOT NULL,
    plugin TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (tenant, plugin, key)
) STRICT;

-- Who did what, and what was denied to whom. Nothing here is ever changed.
CREATE TABLE audit_event (
    tenant TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (tenant, seq)
) STRICT;
CREATE INDEX audit_event_by_subject ON audit_event (tenant, subject, seq);
