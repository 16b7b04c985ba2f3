//! Who may ask for what: every operation of the description, with every kind of key.

use reqwest::Method;
use serde_json::{Value, json};

use super::keys::{certus, get, id_of, key, production, sql, user};
use crate::support::home::Home;
use crate::support::service::{Answer, PATIENCE, Service, directory, send};

/// An operation as docs/openapi.json describes it.
struct Operation {
    id: String,
    method: Method,
    path: String,
    is_open: bool,
    has_body: bool,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(include_str!("../../docs/openapi.json")).expect("JSON");
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            operations.push(Operation {
                id: operation["operationId"].as_str().expect("an id").to_owned(),
                method: method.to_uppercase().parse().expect("a method"),
                path: path.clone(),
                is_open: operation["security"] == json!([{}]),
                has_body: operation.get("requestBody").is_some(),
            });
        }
    }
    operations
}

impl Operation {
    fn writes(&self) -> bool {
        // What is only looked at may come in a body.
        self.method != Method::GET && !["verify", "verifyChain"].contains(&&*self.id)
    }

    fn is_for_administrators(&self) -> bool {
        self.path.starts_with("/v1/admin/")
            || ["revoke", "listTainted", "release", "listReleases", "uploadRaw"].contains(&&*self.id)
    }

    fn names_something(&self) -> bool {
        self.path.contains('{')
    }
}

/// Two tenants, their keys, and what one of them has.
struct Cast {
    home: Home,
    service: Service,
    user: String,
    write: String,
    read: String,
    /// The other tenant's.
    other: String,
    admin: String,
    admin_read: String,
    /// Keys that open nothing, by what is wrong with them.
    useless: Vec<(&'static str, Option<String>)>,
    /// Scans that have ended, wait, and were given up.
    ended: String,
    waiting: String,
    dead: String,
    /// Keys that somebody may revoke.
    spare: [String; 2],
    /// A webhook.
    webhook: String,
    /// An entry of the transparency log.
    entry: String,
    /// Trust's permission to publish the scan that has ended.
    permission: String,
}

impl Cast {
    fn new() -> Self {
        let home = Home::new();
        home.workspace("repo");
        let acme = user(&home, "acme", "tenant");
        let root = user(&home, "operators", "admin");
        let (write, read) = (key(&home, &acme, "write"), key(&home, &acme, "read"));
        let other = key(&home, &user(&home, "other", "tenant"), "write");
        let (admin, admin_read) = (key(&home, &root, "write"), key(&home, &root, "read"));
        let (revoked, expired) = (key(&home, &root, "write"), key(&home, &root, "write"));
        let spare = [key(&home, &acme, "read"), key(&home, &acme, "read")];
        // Of 32 zeros: it seals what is made up.
        let sealing = ("ENCRYPTION_MASTER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        let published = home.path("published").to_str().expect("UTF-8").to_owned();
        let own = [sealing, ("CERTUS_PUBLISH_DIR", &*published), ("CERTUS_PRIVACY_PLUGINS", "secrets")];
        let service = Service::start(&home, &[&production(&home)[..], &own].concat());

        // They open what they are for, until they do not.
        for good in [&write, &read, &other, &admin, &admin_read, &revoked, &expired] {
            assert_eq!(get(&service, "/v1/security-scans", Some(good)).status, 200);
        }
        certus(&home, &["api-key", "revoke", id_of(&revoked)]);
        sql(&home, &format!("UPDATE api_keys SET expires_at = 1000 WHERE id = '{}'", id_of(&expired)));
        let secret = other.rsplit('_').next().expect("a secret");
        let useless = vec![
            ("none", None),
            ("malformed", Some("nonsense".to_owned())),
            ("without a secret", Some(format!("certus_{}_", id_of(&admin)))),
            ("another key's secret", Some(format!("certus_{}_{secret}", id_of(&admin)))),
            ("unknown", Some(format!("certus_000000000000_{secret}"))),
            ("revoked", Some(revoked)),
            ("expired", Some(expired)),
        ];

        let [ended, waiting, dead] = [(); 3].map(|()| submit(&service, &write));
        for (id, state) in [(&waiting, "queued"), (&dead, "dead_letter")] {
            // Not due for thousands of years: no worker takes it.
            let due = i64::MAX / 2;
            let status = if state == "queued" { "queued" } else { "failed" };
            sql(
                &home,
                &format!(
                    "UPDATE scan_jobs SET state = '{state}', available_at = {due} WHERE scan_id = '{id}';
                     UPDATE scans SET status = '{status}' WHERE id = '{id}'"
                ),
            );
        }
        let made = |path: &str, body: serde_json::Value| {
            let request = service.request(Method::POST, path).header("content-type", "application/json");
            let answer = send(request.bearer_auth(&write).body(body.to_string()));
            assert_eq!(answer.status, 201, "{}", answer.text());
            answer.json()
        };
        made("/v1/git-credentials", json!({"name": "ci", "host": "git.example.com", "token": "made-up"}));
        let webhook =
            made("/v1/webhooks", json!({"url": "https://ci.example.com/x"}))["id"].as_str().unwrap().to_owned();
        let asked = |path: &str, body: serde_json::Value| {
            let request = service.request(Method::POST, path).header("content-type", "application/json");
            let answer = send(request.bearer_auth(&write).body(body.to_string()));
            assert_eq!(answer.status, 202, "{}", answer.text());
            answer.json()
        };
        let entry = asked("/v1/sign", signing())["entry_id"].as_str().expect("an id").to_owned();
        let asked = asked(&format!("/v1/security-scans/{ended}/upload-request"), json!({"tier": "basic"}));
        let permission = asked["upload_permission_id"].as_str().expect("a permission").to_owned();
        let user = acme;
        Self {
            webhook,
            entry,
            permission,
            home,
            service,
            user,
            write,
            read,
            other,
            admin,
            admin_read,
            useless,
            ended,
            waiting,
            dead,
            spare,
        }
    }

    /// The path of an operation on something of the first tenant's.
    fn path(&self, operation: &Operation) -> String {
        let scan = match operation.id.as_str() {
            "cancelScan" => &self.waiting,
            "replayScan" => &self.dead,
            _ => &self.ended,
        };
        let id = match operation.id.as_str() {
            "changeTenant" => "acme",
            "changeUser" => &self.user,
            "revokeKey" => id_of(&self.spare[0]),
            "revokeOwnKey" => id_of(&self.spare[1]),
            "dropGitCredential" => "ci",
            "dropWebhook" => &self.webhook,
            "getEntry" => &self.entry,
            _ if operation.path.contains("{id}") => panic!("{}: say here what it is about", operation.id),
            _ => "",
        };
        filled(operation, scan, id)
    }

    /// The same on something that nobody has.
    fn missing(operation: &Operation) -> String {
        filled(operation, "test_000000000000", "000000000000")
    }

    fn send(&self, operation: &Operation, path: &str, key: Option<&str>) -> Answer {
        let mut request = self.service.request(operation.method.clone(), path).header("x-request-id", "case-084");
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        if operation.has_body {
            let (kind, body) = self.body(operation);
            request = request.header("content-type", kind).body(body);
        }
        send(request)
    }

    /// A body that is accepted of whoever may send it.
    fn body(&self, operation: &Operation) -> (&'static str, Vec<u8>) {
        let body = match operation.id.as_str() {
            "submitScan" => directory("repo"),
            "submitScans" => json!({"scans": [directory("repo")]}),
            "uploadArchive" => return ("multipart/form-data; boundary=x", form("shop.tar.gz")),
            "createOwnKey" => json!({"name": "made"}),
            "createKey" => json!({"user_id": self.user, "name": "made"}),
            "createTenant" => json!({"id": "made", "name": "Made"}),
            "changeTenant" => json!({"weight": 2}),
            "createUser" => json!({"tenant_id": "acme", "name": "made"}),
            "changeUser" => json!({"disabled": false}),
            "keepGitCredential" => json!({"name": "made", "host": "git.example.com", "token": "made-up"}),
            "createWebhook" => json!({"url": "https://ci.example.com/made"}),
            "requestUpload" => json!({"tier": "basic"}),
            "permitUpload" => json!({"scan_id": self.ended, "tier": "basic", "artifacts": []}),
            "sign" => signing(),
            "verify" => json!({"artifact": "0".repeat(64), "signature": "MEUCIQ=="}),
            "signArtifact" => json!({
                "artifact_locations": {}, "inner_signatures": {"files": []},
                "assessment_metadata": {"assessment_id": "a1"},
            }),
            "verifyChain" => json!({"artifact_locations": {}, "signatures": {"inner": {"files": []}, "outer": {}}}),
            "executeUpload" => self.publication(),
            "executeUploads" => json!({"scans": [self.publication()]}),
            "promote" => json!({"keys": [format!("{}/incoming/scan.json", self.ended)]}),
            "scanPrivacy" => json!({"scan_id": self.ended, "dry_run": true}),
            "release" => json!({"sha256": "0".repeat(64), "reason": "made up"}),
            "uploadRaw" => return ("multipart/form-data; boundary=x", form("people.csv")),
            "revoke" => json!({"kind": "plugin", "digest": "0".repeat(64), "reason": "made up"}),
            other => panic!("{other}: say here what it takes"),
        };
        ("application/json", body.to_string().into_bytes())
    }

    fn publication(&self) -> Value {
        json!({"upload_permission_id": self.permission, "scan_id": self.ended, "tier": "basic"})
    }

    /// What there is, as an administrator sees it.
    fn inventory(&self) -> Vec<usize> {
        let lists = ["/v1/security-scans", "/v1/admin/tenants", "/v1/admin/users", "/v1/admin/api-keys"];
        let count = |path| {
            let answer = get(&self.service, path, Some(&self.admin));
            answer.json()["items"].as_array().map_or(0, Vec::len)
        };
        let uploads = std::fs::read_dir(self.home.path("artifacts/uploads")).map_or(0, Iterator::count);
        lists.map(count).into_iter().chain([uploads]).collect()
    }
}

/// What is signed and logged for whoever asks.
fn signing() -> Value {
    json!({"artifact": "0".repeat(64), "artifact_type": "report", "subject": "report.json"})
}

fn filled(operation: &Operation, scan: &str, id: &str) -> String {
    operation.path.replace("{test_id}", scan).replace("{path}", "scan.json").replace("{id}", id)
}

fn form(name: &str) -> Vec<u8> {
    let head = format!("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
    [head.as_bytes(), b"\x1f\x8b\x08 an archive by its first bytes", b"\r\n--x--\r\n"].concat()
}

/// A scan that has ended.
fn submit(service: &Service, key: &str) -> String {
    let request = service.request(Method::POST, "/v1/security-scans").header("content-type", "application/json");
    let answer = send(request.bearer_auth(key).body(directory("repo").to_string()));
    assert_eq!(answer.status, 202, "{}", answer.text());
    let id = answer.json()["test_id"].as_str().expect("an id").to_owned();
    let patience = std::time::Instant::now() + PATIENCE;
    while get(service, &format!("/v1/security-scans/{id}"), Some(key)).json()["status"] != "succeeded" {
        assert!(std::time::Instant::now() < patience, "{}", service.log());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    id
}

/// All that a client could tell two answers apart by.
fn shape(answer: &Answer) -> (u16, String, String, Vec<String>) {
    let names = answer.headers.keys().map(ToString::to_string).filter(|name| name != "date").collect();
    (answer.status, answer.text(), answer.header("content-type").to_owned(), names)
}

#[track_caller]
fn refused(operation: &Operation, whose: &str, answer: &Answer, status: u16, kind: &str) {
    let what = format!("{} with {whose}: {}", operation.id, answer.text());
    assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"), "{what}");
    let body = answer.json();
    assert_eq!(body["type"], format!("https://certus.dev/problems/{kind}"), "{what}");
    assert_eq!((&body["request_id"], &body["status"]), (&json!("case-084"), &json!(status)), "{what}");
}

#[test]
fn case_084_every_operation_with_every_kind_of_key() {
    let cast = Cast::new();
    let operations = operations();
    let before = cast.inventory();
    let mut denied = 0;
    for operation in operations.iter().filter(|operation| !operation.is_open) {
        let path = cast.path(operation);
        let mut first = None;
        for (whose, key) in &cast.useless {
            let answer = cast.send(operation, &path, key.as_deref());
            refused(operation, whose, &answer, 401, "unauthenticated");
            let shape = shape(&answer);
            assert_eq!(first.get_or_insert_with(|| shape.clone()), &shape, "{} with {whose}", operation.id);
            denied += 1;
        }
        let mut forbidden: Vec<(&str, &str)> = Vec::new();
        if operation.is_for_administrators() {
            forbidden.extend([("a tenant's key", cast.write.as_str()), ("a tenant's key to read", &cast.read)]);
        } else if operation.writes() {
            forbidden.push(("a key to read", &cast.read));
        }
        if operation.writes() {
            forbidden.push(("an administrator's key to read", &cast.admin_read));
        }
        for (whose, key) in forbidden {
            refused(operation, whose, &cast.send(operation, &path, Some(key)), 403, "forbidden");
            denied += 1;
        }
        if operation.names_something() {
            let nobodys = if operation.is_for_administrators() { &cast.admin } else { &cast.write };
            let missing = cast.send(operation, &Cast::missing(operation), Some(nobodys));
            refused(operation, "what nobody has", &missing, 404, "not-found");
            if !operation.is_for_administrators() {
                let foreign = cast.send(operation, &path, Some(&cast.other));
                assert_eq!(shape(&foreign), shape(&missing), "{}: foreign and missing look alike", operation.id);
                denied += 1;
            }
        }
    }
    assert_eq!(cast.inventory(), before, "nothing was made or lost");

    for operation in &operations {
        let key = match operation {
            _ if operation.is_open => None,
            _ if operation.is_for_administrators() && operation.writes() => Some(&cast.admin),
            _ if operation.is_for_administrators() => Some(&cast.admin_read),
            _ if operation.writes() => Some(&cast.write),
            _ => Some(&cast.read),
        };
        let answer = cast.send(operation, &cast.path(operation), key.map(String::as_str));
        assert!((200..300).contains(&answer.status), "{}: {} {}", operation.id, answer.status, answer.text());
    }
    assert!(operations.len() >= 35 && denied > 200, "{} operations, {denied} refusals", operations.len());
    println!("case 084: {} operations, {denied} refusals", operations.len());
}

#[test]
fn case_084_lists_and_bodies_show_and_take_nothing_of_another_tenants() {
    let cast = Cast::new();
    let upload = operations().into_iter().find(|operation| operation.id == "uploadArchive").expect("it is there");
    let archive = cast.send(&upload, &upload.path, Some(&cast.write)).json()["upload_id"].as_str().unwrap().to_owned();
    for path in [
        "/v1/security-scans",
        "/v1/transparency",
        "/v1/api-keys",
        "/v1/git-credentials",
        "/v1/webhooks",
        "/v1/audit-events",
        "/v1/audit-events?tenant_id=acme",
    ] {
        let own = get(&cast.service, path, Some(&cast.write)).text();
        assert!(own.contains("acme") || own.contains(&cast.ended), "{path}: {own}");
        let foreign = get(&cast.service, path, Some(&cast.other));
        let says = foreign.text();
        for word in [cast.ended.as_str(), cast.user.as_str(), "acme", id_of(&cast.write), &cast.webhook, &cast.entry] {
            assert!(!says.contains(word), "{path} shows {word}: {says}");
        }
    }
    let scan = |archive: &str, key: &str| {
        let mut body = directory("repo");
        body["source_type"] = json!("archive");
        body["directory_path"] = json!(null);
        body["archive_path"] = json!(archive);
        let request = cast.service.request(Method::POST, "/v1/security-scans").bearer_auth(key);
        let request = request.header("content-type", "application/json").header("x-request-id", "case-084");
        send(request.body(body.to_string()))
    };
    let missing = "up_00000000000000000000000000000000";
    let (foreign, nobodys) = (scan(&archive, &cast.other), scan(missing, &cast.other));
    assert_eq!((foreign.status, foreign.text().replace(&archive, missing)), (422, nobodys.text()));
    assert_eq!(scan(&archive, &cast.write).status, 202);
}

#[test]
fn case_094_what_needs_no_key_shows_totals_only() {
    let home = Home::new();
    home.workspace("folder-of-94");
    let user = user(&home, "tenant-of-94", "tenant");
    let key = key(&home, &user, "write");
    let service = Service::start(&home, &production(&home)).with_key(&key);
    let anonymous = |path: &str| send(service.anonymous(Method::GET, path));
    let mut body = directory("folder-of-94");
    body["workspace_id"] = json!("workspace-of-94");
    body["component_id"] = json!("component-of-94");
    body["assessment_id"] = json!("assessment-of-94");
    let id = service.submit(&body);
    let scan = service.ended(&id);
    assert_eq!(scan["status"], "succeeded", "{scan:#}");
    for path in [&format!("/v1/security-scans/{id}/nothing"), "/secret-path", "/v1/security-scans/test_94?since=x"] {
        assert!(service.get(path).status >= 400);
    }
    assert_eq!(service.get(&format!("/v1/security-scans/{id}/stream")).status, 200);
    let place = home.path("").to_string_lossy().into_owned();
    let words = [
        "tenant-of-94",
        "workspace-of-94",
        "component-of-94",
        "assessment-of-94",
        "folder-of-94",
        "config.py",
        "secret-path",
        id.as_str(),
        user.as_str(),
        id_of(&key),
        place.trim_end_matches('/'),
    ];
    // What is looked for can be found, by those who may see it.
    let shown = format!("{scan}{}", service.get("/v1/api-keys").text());
    for word in ["workspace-of-94", id.as_str(), "folder-of-94", id_of(&key), user.as_str()] {
        assert!(shown.contains(word), "{word} is not in {shown}");
    }
    for path in ["/metrics", "/stats", "/health", "/livez", "/readyz"] {
        let answer = anonymous(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let said = format!("{:?} {}", answer.headers, answer.text());
        for word in words {
            assert!(!said.contains(word), "{path} shows {word}: {said}");
        }
    }
    let metrics = anonymous("/metrics").text();
    assert!(metrics.contains("certus_assurance_scans_total 1"), "{metrics}");
    assert_eq!(anonymous("/v1/security-scans").status, 401);
}
