-- The audit log as a hash chain: a line that is changed, taken out or put in shows.

-- The line exactly as it was hashed; null for lines that are older than the chain.
ALTER TABLE audit_event ADD COLUMN record TEXT;
CREATE INDEX audit_event_by_actor ON audit_event (tenant, actor, seq);

CREATE TABLE audit_head (
    tenant TEXT COLLATE "C" NOT NULL,
    next BIGINT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant)
);
