-- What a scan belongs to beyond its tenant: the trace it was submitted in, what its bundle weighs, and when that
-- was removed.
ALTER TABLE scans ADD COLUMN trace TEXT;
ALTER TABLE scans ADD COLUMN bundle_bytes BIGINT;
ALTER TABLE scans ADD COLUMN pruned_at BIGINT;
-- What retention asks: bundles that are there, the oldest first.
CREATE INDEX scans_by_end ON scans (completed_at) WHERE bundle IS NOT NULL;

-- Logins for private repositories, sealed with the master key.
CREATE TABLE git_credentials (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- Where a tenant wants to be told of ended scans.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    url TEXT NOT NULL,
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    stopped TEXT
);
CREATE INDEX webhooks_by_tenant ON webhooks (tenant_id);

-- What is to be told, written with the end of the scan; without a webhook it goes to the operator's own address.
CREATE TABLE webhook_deliveries (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    scan_id TEXT NOT NULL REFERENCES scans (id),
    webhook_id TEXT REFERENCES webhooks (id),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts BIGINT NOT NULL DEFAULT 0,
    due_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_answer TEXT
);
CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (state, due_at);
CREATE INDEX webhook_deliveries_by_tenant ON webhook_deliveries (tenant_id, created_at);
