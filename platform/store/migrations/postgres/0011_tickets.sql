-- Where changes of findings are told: destinations, what belongs to which ticket, and what was told last.
CREATE TABLE destination (
    tenant TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    plugin TEXT COLLATE "C" NOT NULL,
    settings JSONB NOT NULL,
    filter TEXT NOT NULL,
    per TEXT COLLATE "C" NOT NULL,
    enabled BOOLEAN NOT NULL,
    interval_seconds BIGINT NOT NULL,
    version BIGINT NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    changed_by TEXT NOT NULL,
    holder UUID,
    held_until TIMESTAMPTZ,
    cursor TEXT,
    read_at TIMESTAMPTZ,
    PRIMARY KEY (tenant, name)
);

-- Which findings belong to which ticket.
CREATE TABLE destination_member (
    tenant TEXT COLLATE "C" NOT NULL,
    destination TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, destination, fingerprint),
    FOREIGN KEY (tenant, destination) REFERENCES destination (tenant, name) ON DELETE CASCADE
);
CREATE INDEX destination_member_by_key ON destination_member (tenant, destination, key, fingerprint);

-- `mark` grows with every change that may have to be told, and is 0 once all is told.
CREATE TABLE ticket (
    tenant TEXT COLLATE "C" NOT NULL,
    destination TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    mark BIGINT NOT NULL,
    title TEXT NOT NULL DEFAULT '',
    told BYTEA,
    open BOOLEAN NOT NULL DEFAULT FALSE,
    external_id TEXT,
    url TEXT,
    status TEXT,
    category TEXT COLLATE "C",
    told_at TIMESTAMPTZ,
    read_at TIMESTAMPTZ,
    attempts BIGINT NOT NULL DEFAULT 0,
    next_at TIMESTAMPTZ NOT NULL,
    failing_since TIMESTAMPTZ,
    dead_at TIMESTAMPTZ,
    error_code TEXT COLLATE "C",
    error_message TEXT,
    PRIMARY KEY (tenant, destination, key),
    FOREIGN KEY (tenant, destination) REFERENCES destination (tenant, name) ON DELETE CASCADE
);
CREATE INDEX ticket_due ON ticket (tenant, destination, next_at, key) WHERE mark > 0 AND dead_at IS NULL;

-- The latest attempts to tell something.
CREATE TABLE delivery (
    tenant TEXT COLLATE "C" NOT NULL,
    destination TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    notice TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (tenant, destination, id),
    FOREIGN KEY (tenant, destination) REFERENCES destination (tenant, name) ON DELETE CASCADE
);

-- Findings that are other than when the tickets were last looked at. Written by the database itself, so that no way to change a finding
-- can forget it; nothing is written as long as there is no destination.
CREATE TABLE finding_dirty (
    tenant TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    mark BIGINT NOT NULL,
    PRIMARY KEY (tenant, fingerprint)
);
CREATE FUNCTION mark_finding_dirty() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    one RECORD;
BEGIN
    IF TG_OP = 'DELETE' THEN one := OLD; ELSE one := NEW; END IF;
    IF EXISTS (SELECT 1 FROM destination WHERE destination.tenant = one.tenant) THEN
        INSERT INTO finding_dirty (tenant, fingerprint, mark) VALUES (one.tenant, one.fingerprint, 1)
            ON CONFLICT (tenant, fingerprint) DO UPDATE SET mark = finding_dirty.mark + 1;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER finding_dirty_new AFTER INSERT ON finding FOR EACH ROW EXECUTE FUNCTION mark_finding_dirty();
CREATE TRIGGER finding_dirty_changed AFTER UPDATE ON finding FOR EACH ROW
    WHEN (OLD.state <> NEW.state OR OLD.digest <> NEW.digest OR OLD.version <> NEW.version OR OLD.suppressed <> NEW.suppressed
        OR OLD.status <> NEW.status OR OLD.attention <> NEW.attention)
    EXECUTE FUNCTION mark_finding_dirty();
CREATE TRIGGER finding_dirty_gone AFTER DELETE ON finding FOR EACH ROW EXECUTE FUNCTION mark_finding_dirty();
