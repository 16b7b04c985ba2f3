-- What is written about what happened is never written again, by no role but one that takes these away.
CREATE FUNCTION certus_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION certus_append_only();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION certus_append_only();
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION certus_append_only();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION certus_append_only();

-- The second wall between tenants. `certus.tenant` is set for each transaction: a tenant's id, or `*` for
-- the host's own work. Unset, and the empty text that an ended SET LOCAL leaves, are nobody.
-- The setting stands in a query of its own, so that it is looked up once and not for each row.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['users', 'api_keys', 'uploads', 'scans', 'scan_jobs', 'scan_events', 'findings',
                                'idempotency_keys', 'audit_events']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format($policy$
            CREATE POLICY tenant_wall ON %I
                USING ((SELECT current_setting('certus.tenant', true)) IN (tenant_id, '*'))
                WITH CHECK ((SELECT current_setting('certus.tenant', true)) IN (tenant_id, '*'))
        $policy$, name);
    END LOOP;
    ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
    ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant_wall ON tenants
        USING ((SELECT current_setting('certus.tenant', true)) IN (id, '*'))
        WITH CHECK ((SELECT current_setting('certus.tenant', true)) IN (id, '*'));
END $$;
