-- Responses: journals of runs, who decided about them, their ledger, what was kept as evidence, and the kill switch.

-- A run of a playbook. `entries` is how many its journal has, by which processes that drive the same run notice each other.
CREATE TABLE playbook_run (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    entries BIGINT NOT NULL,
    open BOOLEAN NOT NULL,
    begun_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX playbook_run_open ON playbook_run (tenant, id) WHERE open;

-- The journal: nothing in it is ever changed.
CREATE TABLE playbook_step (
    tenant TEXT COLLATE "C" NOT NULL,
    run TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    entry TEXT NOT NULL,
    PRIMARY KEY (tenant, run, sequence),
    FOREIGN KEY (tenant, run) REFERENCES playbook_run (tenant, id) ON DELETE CASCADE
);

-- A person decides once about a run.
CREATE TABLE approval (
    tenant TEXT COLLATE "C" NOT NULL,
    run TEXT COLLATE "C" NOT NULL,
    person TEXT COLLATE "C" NOT NULL,
    agree BOOLEAN NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, run, person),
    FOREIGN KEY (tenant, run) REFERENCES playbook_run (tenant, id) ON DELETE CASCADE
);

-- Actions that count against budgets, of each run by their place in its journal.
CREATE TABLE response_action (
    tenant TEXT COLLATE "C" NOT NULL,
    run TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    playbook TEXT COLLATE "C" NOT NULL,
    class TEXT COLLATE "C" NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, run, sequence)
);
CREATE INDEX response_action_by_time ON response_action (tenant, at, class);

CREATE TABLE response_evidence (
    tenant TEXT COLLATE "C" NOT NULL,
    run TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (tenant, run, key, name)
);

-- The hash chain of what was done, and its end: whoever appends locks that row first.
CREATE TABLE response_ledger (
    tenant TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, sequence)
);
CREATE TABLE response_ledger_head (
    tenant TEXT COLLATE "C" NOT NULL,
    next BIGINT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant)
);

-- The empty playbook stands for all of a tenant.
CREATE TABLE kill_switch (
    tenant TEXT COLLATE "C" NOT NULL,
    playbook TEXT COLLATE "C" NOT NULL,
    why TEXT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, playbook)
);
