-- The second wall, for the table of the step before that is a tenant's.
ALTER TABLE privacy_scans ENABLE ROW LEVEL SECURITY;
ALTER TABLE privacy_scans FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON privacy_scans
    USING ((SELECT current_setting('certus.tenant', true)) IN (tenant_id, '*'))
    WITH CHECK ((SELECT current_setting('certus.tenant', true)) IN (tenant_id, '*'));
