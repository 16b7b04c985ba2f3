DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tenants', 'users', 'api_keys', 'uploads', 'scans', 'scan_jobs', 'scan_events', 'findings',
                                'idempotency_keys', 'audit_events']
    LOOP
        EXECUTE format('DROP POLICY tenant_wall ON %I', name);
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', name);
    END LOOP;
END $$;
DROP TRIGGER append_only_table ON audit_checkpoints;
DROP TRIGGER append_only_rows ON audit_checkpoints;
DROP TRIGGER append_only_table ON audit_events;
DROP TRIGGER append_only_rows ON audit_events;
DROP FUNCTION certus_append_only();
