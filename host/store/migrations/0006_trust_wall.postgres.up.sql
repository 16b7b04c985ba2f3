-- The second wall, for the tables of the step before.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['permits', 'permit_inputs', 'publications', 'used_permits', 'log_entries']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format($policy$
            CREATE POLICY tenant_wall ON %I
                USING ((SELECT current_setting('certus.tenant', true)) IN (tenant_id, '*'))
                WITH CHECK ((SELECT current_setting('certus.tenant', true)) IN (tenant_id, '*'))
        $policy$, name);
    END LOOP;
END $$;
