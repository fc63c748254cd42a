-- Risk: how much a finding matters where it is, what is known of these places, and the version that mends it.

-- Of the finding alone, in thousandths of a point; below zero until it has been computed, once, for findings that are older.
ALTER TABLE finding ADD COLUMN risk_base INTEGER NOT NULL DEFAULT -1;
ALTER TABLE finding ADD COLUMN risk INTEGER NOT NULL DEFAULT 0;
ALTER TABLE finding ADD COLUMN fix_version TEXT NOT NULL DEFAULT '';
-- What is open stands before what is gone, so that one index serves both.
CREATE INDEX finding_by_risk ON finding (tenant, state, risk, fingerprint);
CREATE INDEX finding_without_risk ON finding (tenant, fingerprint) WHERE risk_base < 0;

CREATE TABLE risk_place (
    tenant TEXT NOT NULL,
    scope TEXT NOT NULL,
    asset TEXT NOT NULL,
    subject TEXT NOT NULL,
    path TEXT NOT NULL,
    reference TEXT NOT NULL,
    place TEXT NOT NULL,
    PRIMARY KEY (tenant, scope, asset, subject),
    FOREIGN KEY (tenant, scope) REFERENCES scope (tenant, asset) ON DELETE CASCADE
) STRICT;
CREATE INDEX risk_place_by_asset ON risk_place (tenant, asset, subject);
