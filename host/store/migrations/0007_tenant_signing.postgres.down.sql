DROP TABLE tenant_keys;
ALTER TABLE tenants DROP COLUMN signing_key;
