-- Looks at stored objects for personal data, and what came of each.
CREATE TABLE privacy_scans (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    place TEXT NOT NULL,
    prefix TEXT NOT NULL,
    dry_run BIGINT NOT NULL,
    scanned BIGINT NOT NULL,
    quarantined BIGINT NOT NULL
);

-- Content that a person has looked at and found to be no personal data.
CREATE TABLE privacy_releases (
    sha256 TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL
);
