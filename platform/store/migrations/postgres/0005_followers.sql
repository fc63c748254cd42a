-- Who follows which cluster, and how that goes.

-- A row is a lease: whoever holds it renews it before it ends. What stands beside is for people.
CREATE TABLE follower (
    tenant TEXT COLLATE "C" NOT NULL,
    cluster TEXT COLLATE "C" NOT NULL,
    holder UUID NOT NULL,
    until TIMESTAMPTZ NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C",
    since TIMESTAMPTZ,
    changed_at TIMESTAMPTZ,
    stored_at TIMESTAMPTZ,
    lag_ms BIGINT,
    code TEXT COLLATE "C",
    reason TEXT COLLATE "C",
    PRIMARY KEY (tenant, cluster)
);
