DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
DROP TABLE git_credentials;
DROP INDEX scans_by_end;
ALTER TABLE scans DROP COLUMN pruned_at;
ALTER TABLE scans DROP COLUMN bundle_bytes;
ALTER TABLE scans DROP COLUMN trace;
