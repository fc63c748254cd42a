-- Run-time events: their sources, what they came to, and how far they were judged.

-- A place that events come from, with the hash of the token that opens its door, and how it does.
CREATE TABLE event_source (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    format TEXT NOT NULL,
    cluster TEXT,
    token BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    rotated_at INTEGER,
    disabled INTEGER NOT NULL,
    last_at INTEGER,
    events INTEGER NOT NULL,
    repeated INTEGER NOT NULL,
    problems INTEGER NOT NULL,
    late INTEGER NOT NULL,
    drops INTEGER NOT NULL,
    last_problem TEXT,
    PRIMARY KEY (tenant, name)
) STRICT;
CREATE UNIQUE INDEX event_source_token ON event_source (token);

-- What each sensor said of itself. `blind_at` is when it last lost events.
CREATE TABLE sensor (
    tenant TEXT NOT NULL,
    source TEXT NOT NULL,
    sensor TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    blind_at INTEGER,
    drops INTEGER NOT NULL,
    reports INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (tenant, source, sensor)
) STRICT;

-- An event as it was judged; `body` is the normalised event as JSON. Times of events are nanoseconds.
CREATE TABLE event (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    time INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    source TEXT NOT NULL,
    origin TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity INTEGER NOT NULL,
    title TEXT NOT NULL,
    asset TEXT NOT NULL,
    cluster TEXT,
    node TEXT,
    namespace TEXT,
    workload TEXT,
    pod TEXT,
    container TEXT,
    image TEXT,
    principal TEXT,
    exec TEXT,
    parent_exec TEXT,
    late INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX event_by_time ON event (tenant, time, id);
CREATE INDEX event_by_container ON event (tenant, container, time) WHERE container IS NOT NULL;

-- A judged event.
CREATE TABLE detection (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    rule TEXT NOT NULL,
    plugin TEXT NOT NULL,
    title TEXT NOT NULL,
    severity INTEGER NOT NULL,
    asset TEXT NOT NULL,
    key TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    late INTEGER NOT NULL,
    techniques TEXT NOT NULL,
    evidence TEXT NOT NULL,
    subject TEXT NOT NULL,
    suppressed_by TEXT,
    found_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX detection_by_time ON detection (tenant, first, id);
CREATE INDEX detection_by_rule ON detection (tenant, rule, last);
CREATE TABLE detection_event (
    tenant TEXT NOT NULL,
    event TEXT NOT NULL,
    detection TEXT NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (tenant, event, detection)
) STRICT, WITHOUT ROWID;
CREATE INDEX detection_event_by_detection ON detection_event (tenant, detection, place);

-- Keys of incidents that are one.
CREATE TABLE incident_link (
    tenant TEXT NOT NULL,
    kept TEXT NOT NULL,
    merged TEXT NOT NULL,
    PRIMARY KEY (tenant, kept, merged)
) STRICT, WITHOUT ROWID;

-- What detections came to, and what people made of it. One that became part of another one stays and says of which.
CREATE TABLE incident (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    title TEXT NOT NULL,
    assets TEXT NOT NULL,
    techniques TEXT NOT NULL,
    detections INTEGER NOT NULL,
    left_out INTEGER NOT NULL,
    steps TEXT NOT NULL,
    step_count INTEGER NOT NULL,
    sources INTEGER NOT NULL,
    status TEXT NOT NULL,
    disposition TEXT,
    assignee TEXT,
    merged_into TEXT,
    opened_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    acknowledged_at INTEGER,
    closed_at INTEGER,
    version INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX incident_by_last ON incident (tenant, last, id);

CREATE TABLE incident_history (
    tenant TEXT NOT NULL,
    incident TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (tenant, incident, sequence)
) STRICT;

-- Who judges, until when, and how far that has come.
CREATE TABLE correlator (
    tenant TEXT NOT NULL,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL,
    watermark INTEGER NOT NULL,
    timers TEXT NOT NULL,
    PRIMARY KEY (tenant)
) STRICT;

-- What could not be judged, the newest of each subject.
CREATE TABLE event_gap (
    tenant TEXT NOT NULL,
    subject TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, subject, code)
) STRICT;

-- What need not be told, until when, and who said so.
CREATE TABLE suppression (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    rule TEXT NOT NULL,
    asset TEXT NOT NULL,
    filter TEXT,
    reason TEXT NOT NULL,
    owner TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    hits INTEGER NOT NULL,
    last_hit INTEGER,
    PRIMARY KEY (tenant, id)
) STRICT;
