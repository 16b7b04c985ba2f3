//! A plugin's passport as text: what it may do, what it may say, what it costs at most.

use std::fmt::Write as _;

use certus_model::limits::Limits;
use certus_model::plugin::RuleSeverity;
use certus_sandbox::Passport;

/// The passport for people: identity, permissions, limits, settings and rules.
pub fn describe(passport: &Passport) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail, so the results below carry nothing.
    let _ = write(&mut text, passport);
    text
}

fn write(out: &mut String, passport: &Passport) -> std::fmt::Result {
    let manifest = &passport.manifest;
    let plugin = &manifest.plugin;
    writeln!(out, "{} {}  {}", plugin.id, plugin.version, plugin.summary)?;
    writeln!(out, "  digest    sha256:{}", passport.digest)?;
    writeln!(out, "  size      {} bytes", passport.size)?;
    writeln!(out, "  licence   {}", plugin.licence)?;
    writeln!(out, "  contract  {}", plugin.contract)?;
    let exports: Vec<_> = plugin.exports.iter().map(|e| e.as_str()).collect();
    writeln!(out, "  exports   {}", exports.join(", "))?;
    let snapshot = if passport.snapshot.is_some() { "memory after configure with the defaults" } else { "none" };
    writeln!(out, "  snapshot  {snapshot}")?;

    writeln!(out, "\nPermissions")?;
    let declared = manifest.capabilities.declared();
    if declared.is_empty() && passport.imports.is_empty() {
        writeln!(out, "  none: it sees the files that are handed to it and nothing else")?;
    }
    for capability in declared {
        let used = if passport.imported.contains(&capability) { "imported" } else { "declared, never imported" };
        writeln!(out, "  {capability:<10} {used}: {}", manifest.capabilities.reason(capability).unwrap_or_default())?;
    }
    let globs: Vec<_> = manifest.capabilities.read_globs().collect();
    if !globs.is_empty() {
        writeln!(out, "  may read   {}", globs.join("  "))?;
    }
    for import in &passport.imports {
        writeln!(out, "  import     {import}")?;
    }
    writeln!(out, "  network    never")?;

    writeln!(out, "\nLimits")?;
    let limits = manifest.limits.within(&Limits::default());
    writeln!(
        out,
        "  memory {} MiB, call {} s, run {} s",
        limits.memory >> 20,
        limits.call_deadline.as_secs(),
        limits.run_deadline.as_secs()
    )?;
    let fuel = &limits.fuel;
    writeln!(
        out,
        "  fuel: configure {}, file {}, tree {}, per MiB {}",
        fuel.configure, fuel.file_call, fuel.tree_call, fuel.per_mib
    )?;

    if !manifest.settings.is_empty() {
        writeln!(out, "\nSettings")?;
        for setting in &manifest.settings {
            let default = serde_json::to_string(&setting.default).unwrap_or_default();
            writeln!(out, "  {} = {default}  {}", setting.name, setting.help)?;
        }
    }
    writeln!(out, "\nRules ({})", manifest.rules.len())?;
    for rule in &manifest.rules {
        let severity = match rule.severity {
            RuleSeverity::FromFinding => "from-finding",
            fixed => fixed.fixed().map_or("", |s| s.as_str()),
        };
        let sensitive = if rule.sensitive { "  (sensitive)" } else { "" };
        writeln!(out, "  {:<12} {:<40} {}{sensitive}", severity, rule.id.as_str(), rule.title)?;
    }
    Ok(())
}
