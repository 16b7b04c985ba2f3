-- The key that a tenant's bundles are signed with, as a reference; none is the host's.
ALTER TABLE tenants ADD COLUMN signing_key TEXT;

-- Whose key is whose, from its first use on and for ever: a key is one tenant's alone.
CREATE TABLE tenant_keys (
    key_id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    public_key TEXT NOT NULL,
    since BIGINT NOT NULL
);
