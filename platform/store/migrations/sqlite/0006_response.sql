-- Responses: journals of runs, who decided about them, their ledger, what was kept as evidence, and the kill switch.

-- A run of a playbook. `entries` is how many its journal has, by which processes that drive the same run notice each other.
CREATE TABLE playbook_run (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    entries INTEGER NOT NULL,
    open INTEGER NOT NULL,
    begun_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX playbook_run_open ON playbook_run (tenant, id) WHERE open = 1;

-- The journal: nothing in it is ever changed.
CREATE TABLE playbook_step (
    tenant TEXT NOT NULL,
    run TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    entry TEXT NOT NULL,
    PRIMARY KEY (tenant, run, sequence),
    FOREIGN KEY (tenant, run) REFERENCES playbook_run (tenant, id) ON DELETE CASCADE
) STRICT;

-- A person decides once about a run.
CREATE TABLE approval (
    tenant TEXT NOT NULL,
    run TEXT NOT NULL,
    person TEXT NOT NULL,
    agree INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, run, person),
    FOREIGN KEY (tenant, run) REFERENCES playbook_run (tenant, id) ON DELETE CASCADE
) STRICT;

-- Actions that count against budgets, of each run by their place in its journal.
CREATE TABLE response_action (
    tenant TEXT NOT NULL,
    run TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    playbook TEXT NOT NULL,
    class TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, run, sequence)
) STRICT;
CREATE INDEX response_action_by_time ON response_action (tenant, at, class);

CREATE TABLE response_evidence (
    tenant TEXT NOT NULL,
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (tenant, run, key, name)
) STRICT;

-- The hash chain of what was done, and its end: whoever appends locks that row first.
CREATE TABLE response_ledger (
    tenant TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, sequence)
) STRICT;
CREATE TABLE response_ledger_head (
    tenant TEXT NOT NULL,
    next INTEGER NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (tenant)
) STRICT;

-- The empty playbook stands for all of a tenant.
CREATE TABLE kill_switch (
    tenant TEXT NOT NULL,
    playbook TEXT NOT NULL,
    why TEXT NOT NULL,
    actor TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, playbook)
) STRICT;
