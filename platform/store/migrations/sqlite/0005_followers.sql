-- Who follows which cluster, and how that goes.

-- A row is a lease: whoever holds it renews it before it ends. What stands beside is for people.
CREATE TABLE follower (
    tenant TEXT NOT NULL,
    cluster TEXT NOT NULL,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL,
    state TEXT NOT NULL,
    asset TEXT,
    since INTEGER,
    changed_at INTEGER,
    stored_at INTEGER,
    lag_ms INTEGER,
    code TEXT,
    reason TEXT,
    PRIMARY KEY (tenant, cluster)
) STRICT;
