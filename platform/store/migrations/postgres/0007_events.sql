-- Run-time events: their sources, what they came to, and how far they were judged.

-- A place that events come from, with the hash of the token that opens its door, and how it does.
CREATE TABLE event_source (
    tenant TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    format TEXT COLLATE "C" NOT NULL,
    cluster TEXT COLLATE "C",
    token BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    rotated_at TIMESTAMPTZ,
    disabled BOOLEAN NOT NULL,
    last_at TIMESTAMPTZ,
    events BIGINT NOT NULL,
    repeated BIGINT NOT NULL,
    problems BIGINT NOT NULL,
    late BIGINT NOT NULL,
    drops BIGINT NOT NULL,
    last_problem TEXT COLLATE "C",
    PRIMARY KEY (tenant, name)
);
CREATE UNIQUE INDEX event_source_token ON event_source (token);

-- What each sensor said of itself. `blind_at` is when it last lost events.
CREATE TABLE sensor (
    tenant TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    sensor TEXT COLLATE "C" NOT NULL,
    first_at TIMESTAMPTZ NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    blind_at TIMESTAMPTZ,
    drops BIGINT NOT NULL,
    reports BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, source, sensor)
);

-- An event as it was judged; `body` is the normalised event as JSON. Times of events are nanoseconds.
CREATE TABLE event (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    time BIGINT NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    severity BIGINT NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    cluster TEXT COLLATE "C",
    node TEXT COLLATE "C",
    namespace TEXT COLLATE "C",
    workload TEXT COLLATE "C",
    pod TEXT COLLATE "C",
    container TEXT COLLATE "C",
    image TEXT COLLATE "C",
    principal TEXT COLLATE "C",
    exec TEXT COLLATE "C",
    parent_exec TEXT COLLATE "C",
    late BOOLEAN NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX event_by_time ON event (tenant, time, id);
CREATE INDEX event_by_container ON event (tenant, container, time) WHERE container IS NOT NULL;

-- A judged event.
CREATE TABLE detection (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    rule TEXT COLLATE "C" NOT NULL,
    plugin TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    severity BIGINT NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    late BOOLEAN NOT NULL,
    techniques JSONB NOT NULL,
    evidence JSONB NOT NULL,
    subject JSONB NOT NULL,
    suppressed_by TEXT COLLATE "C",
    found_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX detection_by_time ON detection (tenant, first, id);
CREATE INDEX detection_by_rule ON detection (tenant, rule, last);
CREATE TABLE detection_event (
    tenant TEXT COLLATE "C" NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    detection TEXT COLLATE "C" NOT NULL,
    place BIGINT NOT NULL,
    PRIMARY KEY (tenant, event, detection)
);
CREATE INDEX detection_event_by_detection ON detection_event (tenant, detection, place);

-- Keys of incidents that are one.
CREATE TABLE incident_link (
    tenant TEXT COLLATE "C" NOT NULL,
    kept TEXT COLLATE "C" NOT NULL,
    merged TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, kept, merged)
);

-- What detections came to, and what people made of it. One that became part of another one stays and says of which.
CREATE TABLE incident (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    severity BIGINT NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    assets JSONB NOT NULL,
    techniques JSONB NOT NULL,
    detections BIGINT NOT NULL,
    left_out BIGINT NOT NULL,
    steps JSONB NOT NULL,
    step_count BIGINT NOT NULL,
    sources BIGINT NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    disposition TEXT COLLATE "C",
    assignee TEXT COLLATE "C",
    merged_into TEXT COLLATE "C",
    opened_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    acknowledged_at TIMESTAMPTZ,
    closed_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX incident_by_last ON incident (tenant, last, id);

CREATE TABLE incident_history (
    tenant TEXT COLLATE "C" NOT NULL,
    incident TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    what TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, incident, sequence)
);

-- Who judges, until when, and how far that has come.
CREATE TABLE correlator (
    tenant TEXT COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,
    until TIMESTAMPTZ NOT NULL,
    watermark BIGINT NOT NULL,
    timers JSONB NOT NULL,
    PRIMARY KEY (tenant)
);

-- What could not be judged, the newest of each subject.
CREATE TABLE event_gap (
    tenant TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, subject, code)
);

-- What need not be told, until when, and who said so.
CREATE TABLE suppression (
    tenant TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    rule TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    filter TEXT COLLATE "C",
    reason TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    hits BIGINT NOT NULL,
    last_hit TIMESTAMPTZ,
    PRIMARY KEY (tenant, id)
);
