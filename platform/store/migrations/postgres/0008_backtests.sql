-- Rules and versions of plugins that are tried on stored events; when keys of incidents were joined, so that it can be forgotten.
CREATE TABLE backtest (
    tenant TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    files JSONB NOT NULL,
    rules JSONB NOT NULL,
    instead BOOLEAN NOT NULL,
    plugin TEXT COLLATE "C",
    digest TEXT COLLATE "C",
    from_at TIMESTAMPTZ NOT NULL,
    to_at TIMESTAMPTZ NOT NULL,
    asked_by TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'running', 'finished', 'failed', 'cancelled')),
    events BIGINT NOT NULL,
    submitted_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    error_code TEXT COLLATE "C",
    error_message TEXT,
    difference JSONB,
    PRIMARY KEY (tenant, id)
);

ALTER TABLE incident_link ADD COLUMN linked_at TIMESTAMPTZ NOT NULL DEFAULT '1970-01-01T00:00:00Z';
