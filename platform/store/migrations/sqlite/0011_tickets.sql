-- Where changes of findings are told: destinations, what belongs to which ticket, and what was told last.
CREATE TABLE destination (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    plugin TEXT NOT NULL,
    settings TEXT NOT NULL,
    filter TEXT NOT NULL,
    per TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    interval_seconds INTEGER NOT NULL,
    version INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    holder TEXT,
    held_until INTEGER,
    cursor TEXT,
    read_at INTEGER,
    PRIMARY KEY (tenant, name)
) STRICT;

-- Which findings belong to which ticket.
CREATE TABLE destination_member (
    tenant TEXT NOT NULL,
    destination TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (tenant, destination, fingerprint),
    FOREIGN KEY (tenant, destination) REFERENCES destination (tenant, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX destination_member_by_key ON destination_member (tenant, destination, key, fingerprint);

-- `mark` grows with every change that may have to be told, and is 0 once all is told.
CREATE TABLE ticket (
    tenant TEXT NOT NULL,
    destination TEXT NOT NULL,
    key TEXT NOT NULL,
    mark INTEGER NOT NULL,
    title TEXT NOT NULL DEFAULT '',
    told BLOB,
    open INTEGER NOT NULL DEFAULT 0,
    external_id TEXT,
    url TEXT,
    status TEXT,
    category TEXT,
    told_at INTEGER,
    read_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,
    failing_since INTEGER,
    dead_at INTEGER,
    error_code TEXT,
    error_message TEXT,
    PRIMARY KEY (tenant, destination, key),
    FOREIGN KEY (tenant, destination) REFERENCES destination (tenant, name) ON DELETE CASCADE
) STRICT;
CREATE INDEX ticket_due ON ticket (tenant, destination, next_at, key) WHERE mark > 0 AND dead_at IS NULL;

-- The latest attempts to tell something.
CREATE TABLE delivery (
    tenant TEXT NOT NULL,
    destination TEXT NOT NULL,
    id TEXT NOT NULL,
    key TEXT NOT NULL,
    notice TEXT NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (tenant, destination, id),
    FOREIGN KEY (tenant, destination) REFERENCES destination (tenant, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Findings that are other than when the tickets were last looked at. Written by the database itself, so that no way to change a finding
-- can forget it; nothing is written as long as there is no destination.
CREATE TABLE finding_dirty (
    tenant TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    mark INTEGER NOT NULL,
    PRIMARY KEY (tenant, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER finding_dirty_new AFTER INSERT ON finding
WHEN EXISTS (SELECT 1 FROM destination WHERE tenant = NEW.tenant)
BEGIN
    INSERT INTO finding_dirty (tenant, fingerprint, mark) VALUES (NEW.tenant, NEW.fingerprint, 1)
        ON CONFLICT (tenant, fingerprint) DO UPDATE SET mark = finding_dirty.mark + 1;
END;
CREATE TRIGGER finding_dirty_changed AFTER UPDATE ON finding
WHEN (OLD.state <> NEW.state OR OLD.digest <> NEW.digest OR OLD.version <> NEW.version OR OLD.suppressed <> NEW.suppressed
        OR OLD.status <> NEW.status OR OLD.attention <> NEW.attention)
    AND EXISTS (SELECT 1 FROM destination WHERE tenant = NEW.tenant)
BEGIN
    INSERT INTO finding_dirty (tenant, fingerprint, mark) VALUES (NEW.tenant, NEW.fingerprint, 1)
        ON CONFLICT (tenant, fingerprint) DO UPDATE SET mark = finding_dirty.mark + 1;
END;
CREATE TRIGGER finding_dirty_gone AFTER DELETE ON finding
WHEN EXISTS (SELECT 1 FROM destination WHERE tenant = OLD.tenant)
BEGIN
    INSERT INTO finding_dirty (tenant, fingerprint, mark) VALUES (OLD.tenant, OLD.fingerprint, 1)
        ON CONFLICT (tenant, fingerprint) DO UPDATE SET mark = finding_dirty.mark + 1;
END;
