//! Tenants, users and keys, made as an operator makes them.

use reqwest::Method;

use crate::support::home::Home;
use crate::support::service::{Answer, Service, send};

/// Settings with which nobody asks without a key; reports are signed by a key that is made here.
pub(super) fn production(home: &Home) -> [(&'static str, &'static str); 2] {
    certus(home, &["keys", "generate", "service"]);
    [("CERTUS_PRODUCTION", "true"), ("CERTUS_KEY", "service")]
}

/// Makes a tenant and a user of it; returns the user's id.
pub(super) fn user(home: &Home, tenant: &str, role: &str) -> String {
    let known = certus(home, &["tenant", "list"]);
    if !known.lines().any(|line| line.split_whitespace().next() == Some(tenant)) {
        certus(home, &["tenant", "create", tenant]);
    }
    certus(home, &["user", "create", tenant, &format!("{role}-of-{tenant}"), "--role", role])
}

/// Makes a key of a user.
pub(super) fn key(home: &Home, user: &str, scope: &str) -> String {
    certus(home, &["api-key", "create", user, "--scope", scope])
}

/// The part of a key that may be shown.
pub(super) fn id_of(key: &str) -> &str {
    key.split('_').nth(1).expect("an id")
}

/// Runs a command of the operator; returns what it printed.
pub(super) fn certus(home: &Home, arguments: &[&str]) -> String {
    let done = home.service(&[]).args(arguments).output().expect("certus runs");
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

/// Runs statements past the service, as whoever holds the file can.
pub(super) fn sql(home: &Home, statements: &str) {
    let script = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], timeout=30)\ndb.executescript(sys.argv[2])\n\
                  db.commit()";
    let mut python = std::process::Command::new("python3");
    let done = python.args(["-c", script]).arg(home.path("artifacts/certus.db")).arg(statements).output();
    let done = done.expect("python3 runs");
    assert!(done.status.success(), "{statements}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Asks with a key, or with none.
pub(super) fn get(service: &Service, path: &str, key: Option<&str>) -> Answer {
    let request = service.request(Method::GET, path);
    send(match key {
        Some(key) => request.bearer_auth(key),
        None => request,
    })
}
