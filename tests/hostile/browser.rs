//! E. The page of a hostile scan, opened in a browser.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::reports::hostile_scan;
use crate::support::home::Home;

/// Where Debian's package puts it.
const BROWSER: &str = "/usr/bin/chromium";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/hostile/browser.cjs");

/// What has to be there, or what is missing.
fn modules() -> Result<PathBuf, &'static str> {
    let validators = std::env::var_os("CERTUS_TEST_VALIDATORS").ok_or("no validators here; run `cargo xtask test`")?;
    let modules = PathBuf::from(validators).join("node_modules");
    if !modules.join("playwright-core").is_dir() {
        return Err("no playwright-core here; `cargo xtask setup` installs it where npm is");
    }
    if std::path::Path::new(BROWSER).is_file() { Ok(modules) } else { Err("no /usr/bin/chromium here") }
}

/// Opens each page in one browser; what each did.
fn open(home: &Home, modules: PathBuf, pages: &[&str]) -> Vec<Value> {
    let files = pages.iter().zip(0..).map(|(page, number)| home.write(&format!("page{number}.html"), page));
    let output = Command::new("node")
        .arg(SCRIPT)
        .arg(BROWSER)
        .args(files)
        .env("NODE_PATH", modules)
        .env("HOME", home.path(""))
        .output()
        .expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn list<'v>(page: &'v Value, key: &str) -> Vec<&'v str> {
    page[key].as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

#[test]
fn case_057_a_browser_shows_the_page_and_runs_nothing() {
    let modules = match modules() {
        Ok(modules) => modules,
        Err(reason) => return println!("skipped: case 057: {reason}"),
    };
    let home = Home::new();
    let page = hostile_scan(&home, "html");
    // The same page as it would be without escaping, and without its policy too.
    let entities = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    let undone = entities.iter().fold(page.clone(), |page, (entity, sign)| page.replace(entity, sign));
    // It would lead away before the rest is seen.
    let undone = undone.replace("http-equiv=refresh", "");
    let (before, meta) = undone.split_once("<meta http-equiv=\"Content-Security-Policy\"").expect("a policy");
    let unguarded = format!("{before}{}", meta.split_once('>').unwrap().1);

    let seen = open(&home, modules, &[&page, &undone, &unguarded]);
    let shown = &seen[0];
    for key in ["dialogs", "console", "errors", "requests", "violations"] {
        assert_eq!(list(shown, key), [""; 0], "{key}");
    }
    assert_eq!((&shown["scripts"], &shown["address"]), (&0.into(), &true.into()));
    let text = shown["text"].as_str().unwrap();
    for hostile in ["<script>alert(1)</script>", "onerror=alert(2)>", "javascript:alert(4)"] {
        assert!(text.contains(hostile), "it is shown, as text: {hostile}");
    }

    // The check can fail: each of the two guards is what holds when the other is gone.
    assert_eq!(list(&seen[1], "dialogs"), [""; 0], "the policy alone");
    assert!(
        list(&seen[1], "violations").iter().any(|directive| directive.starts_with("script-src")),
        "{}",
        seen[1]["violations"]
    );
    assert!(list(&seen[2], "dialogs").contains(&"1"), "neither: {}", seen[2]["dialogs"]);
}
