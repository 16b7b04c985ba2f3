//! The stack of the compose file, run without an engine: its commands and settings as processes of this machine,
//! over a real Postgres and the store of objects that it names.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::compose::{environment, make_secrets, project};
use super::{output, said, texts};
use crate::support::home::Home;
use crate::support::postgres;
use crate::support::seaweed::Seaweed;
use crate::support::service::Service;

/// What stands in the compose file, and what stands here in its place.
struct Stack {
    project: Value,
    /// In this order.
    replaced: Vec<(&'static str, String)>,
}

impl Stack {
    fn here(&self, text: &str) -> String {
        self.replaced.iter().fold(text.to_owned(), |text, (there, here)| text.replace(there, here))
    }

    /// What a container runs, without an entry point of its own.
    fn words(&self, service: &str, part: &str) -> Vec<String> {
        texts(&self.project["services"][service][part]).into_iter().map(|word| self.here(word)).collect()
    }

    /// Settings of a service, the folder of keys that it shares with others included.
    fn settings(&self, service: &str, keys: &str) -> BTreeMap<String, String> {
        let service = &self.project["services"][service];
        let given = environment(service).into_iter().map(|(name, value)| (name.to_owned(), self.here(value)));
        let volumes = service["volumes"].as_array();
        let shares = volumes.into_iter().flatten().any(|volume| volume["target"] == "/var/lib/certus/keys");
        given.chain(shares.then(|| ("CERTUS_KEY_DIR".to_owned(), keys.to_owned()))).collect()
    }
}

#[test]
fn the_full_profile_scans_publishes_and_verifies() {
    let Some(project) = project(&["docker-compose.yml"]) else { return };
    let Some(postgres) = postgres::server() else { return };
    let [api_home, worker_home, client] = [Home::new(), Home::new(), Home::new()];
    let secrets = client.path("secrets");
    make_secrets(&secrets);
    // The script that makes the stack's role has a test of its own.
    let database = postgres.empty();
    for (name, url) in [("database-url", &database.setting), ("database-owner-url", &database.owner_setting)] {
        std::fs::remove_file(secrets.join(name)).expect("it was made");
        client.write(&format!("secrets/{name}"), url);
    }
    let mut stack = Stack { project, replaced: vec![("/run/secrets/", format!("{}/", secrets.display()))] };
    let words = [stack.words("s3", "entrypoint"), stack.words("s3", "command")].concat();
    let Some(objects) = Seaweed::start(&words) else { return };
    stack.replaced.extend([
        ("http://s3:8333", format!("http://127.0.0.1:{}", objects.port())),
        ("s3:9333", objects.master.clone()),
        ("0.0.0.0:8000", "127.0.0.1:0".to_owned()),
    ]);
    // As the stack is started for the first time, and once more.
    for turn in ["first", "second"] {
        let made = objects.run(&stack.words("s3-bucket", "entrypoint"));
        assert!(made.status.success(), "the {turn} time: {}\n{}", said(&made), objects.log());
    }

    // The key, the tables, and everything that serves.
    let keys = worker_home.path("keys").to_str().expect("UTF-8").to_owned();
    let run = |home: &Home, service: &str, arguments: &[&str]| {
        let settings = stack.settings(service, &keys);
        let settings: Vec<_> = settings.iter().map(|(name, value)| (&**name, &**value)).collect();
        let ended = output(home.service(&settings).args(arguments));
        assert!(ended.status.success(), "{arguments:?}: {}", said(&ended));
        String::from_utf8(ended.stdout).expect("UTF-8").trim().to_owned()
    };
    let serve = |home: &Home, service: &str, says: &str| {
        let settings = stack.settings(service, &keys);
        let settings: Vec<_> = settings.iter().map(|(name, value)| (&**name, &**value)).collect();
        let words = stack.words(service, "command");
        let words: Vec<_> = words.iter().map(|word| &**word).collect();
        Service::listening(home, &settings, &words, says)
    };
    run(&worker_home, "certus-worker", &["keys", "generate", "release"]);
    run(&api_home, "certus-migrate", &["db", "migrate"]);
    let api = serve(&api_home, "certus-api", "listens at http");
    run(&api_home, "certus-api", &["tenant", "create", "acme"]);
    let user = run(&api_home, "certus-api", &["user", "create", "acme", "ada", "--role", "admin"]);
    let key = run(&api_home, "certus-api", &["api-key", "create", &user]);
    let trust = serve(&worker_home, "certus-trust", "is Trust at http").with_key(&key);
    let transform = serve(&worker_home, "certus-transform", "is Transform at http").with_key(&key);
    let settings = stack.settings("certus-worker", &keys);
    let settings: Vec<_> = settings.iter().map(|(name, value)| (&**name, &**value)).collect();
    let worker = crate::service::worker(&worker_home, &settings);
    run(&worker_home, "certus-worker", &["queue", "show"]);

    // What a client does with it.
    client.workspace("repo");
    let server = format!("http://{}", api.address());
    let ask = |arguments: &[&str]| {
        let mut command = client.command();
        command.env("CERTUS_SERVER", &server).env("CERTUS_API_KEY", &key);
        let ended = output(command.args(arguments));
        let logs = || [worker.log(), trust.log(), transform.log()].concat();
        assert!(ended.status.success(), "{arguments:?}: {}\n{}", said(&ended), logs());
        String::from_utf8(ended.stdout).expect("UTF-8")
    };
    let id = ask(&["submit", "dir:workspaces/repo", "--profile", "smoke"]).trim().to_owned();
    let api = api.with_key(&key);
    assert_eq!(api.ended(&id)["status"], "succeeded", "{}", worker.log());
    ask(&["publish", &id, "--tier", "basic", "--wait"]);
    let (public, log) = (format!("{keys}/release.pub"), format!("{keys}/transparency-log.vkey"));
    let fetched = ask(&["fetch", &id, "--key", &public, "--log-key", &log]);
    assert!(fetched.contains("decision"), "{fetched}");

    let shown = api.get(&format!("/v1/security-scans/{id}")).json();
    let golden = shown["remote_artifacts"]["golden"]["index.json"].as_str().unwrap_or_else(|| panic!("{shown:#}"));
    assert_eq!(golden, format!("s3://certus/golden/{id}/golden/index.json"));
    let looked = transform.post("/v1/privacy/scan", &json!({ "bucket": "certus", "dry_run": true }));
    assert_eq!(looked.status, 200, "{}", looked.text());
    assert_eq!(trust.get("/v1/health").status, 200);
    run(&worker_home, "certus-worker", &["log", "verify", "--service"]);
}
