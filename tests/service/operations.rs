//! What an operator has in hand: logins for private repositories, webhooks, retention, TLS, backups, settings.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certus_outbound::{WebhookSecret, verify};
use reqwest::Method;
use serde_json::{Value, json};

use super::keys::{certus, key, production, sql, user};
use super::{Records, on_each};
use crate::hostile::outbound::smart;
use crate::support::home::Home;
use crate::support::s3;
use crate::support::service::{Answer, PATIENCE, Service, directory, send};
use crate::support::tls::{Authority, Server};

/// A key that seals, for tests alone.
fn master_key() -> String {
    STANDARD.encode([7; 32])
}

/// Settings with which a service reaches `server`, whose certificate `authority` has signed.
fn reaching(home: &Home, authority: &Authority, server: &Server) -> Vec<(&'static str, String)> {
    let ca = home.write("ca.pem", authority.pem());
    vec![
        ("CERTUS_ALLOWED_HOSTS", server.address.to_string()),
        ("CERTUS_CA_FILE", ca.to_str().expect("UTF-8").to_owned()),
        ("ENCRYPTION_MASTER_KEY", master_key()),
    ]
}

fn borrowed<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

fn as_user(service: &Service, key: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let request = service.anonymous(method, path).bearer_auth(key);
    send(match body {
        Some(body) => request.header("content-type", "application/json").body(body.to_string()),
        None => request,
    })
}

/// Whether a text stands in any file below.
fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).expect("a folder").filter_map(Result::ok).any(|entry| match entry.path() {
        path if path.is_dir() => holds(&path, text),
        path => {
            std::fs::read(path).is_ok_and(|content| content.windows(text.len()).any(|part| part == text.as_bytes()))
        }
    })
}

#[test]
fn a_private_repository_is_opened_by_a_login_that_is_never_told() {
    let home = Home::new();
    let repository = home.repository("private", &[("a.txt", b"content")]);
    let authority = Authority::new();
    let wanted = format!("Authorization: Basic {}", STANDARD.encode("x-access-token:t0p-s3cret-token"));
    let repository = repository.to_str().expect("UTF-8").to_owned();
    let server = Server::start(&authority, "127.0.0.1", ([127, 0, 0, 1], 0), move |request, connection| {
        if request.head.contains(&wanted) {
            return smart(&repository, request, connection);
        }
        connection.write_all(b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    });
    let acme = key(&home, &user(&home, "acme", "tenant"), "write");
    let other = key(&home, &user(&home, "other", "tenant"), "write");
    let reaching = reaching(&home, &authority, &server);
    let settings = [borrowed(&reaching), production(&home).to_vec()].concat();
    let service = Service::start(&home, &settings).with_key(&acme);
    let host = server.address.to_string();
    let login = json!({ "name": "ci", "host": host, "token": "t0p-s3cret-token" });
    let kept = service.post("/v1/git-credentials", &login);
    assert_eq!((kept.status, kept.json()["name"].as_str()), (201, Some("ci")), "{}", kept.text());
    let elsewhere = json!({ "name": "else", "host": "git.example.com", "token": "t0p-s3cret-token" });
    assert_eq!(service.post("/v1/git-credentials", &elsewhere).status, 201);
    let listed = service.get("/v1/git-credentials");
    assert!(listed.text().contains(&host) && !listed.text().contains("s3cret"), "{}", listed.text());

    let scan = |credential: Option<&str>| {
        let mut body = json!({
            "workspace_id": "w", "component_id": "c", "assessment_id": "a", "profile": "smoke",
            "git_url": format!("https://{host}/repo"),
        });
        if let Some(credential) = credential {
            body["git_credential"] = json!(credential);
        }
        body
    };
    let done = service.ended(&service.submit(&scan(Some("ci"))));
    assert_eq!(done["status"], "succeeded", "{done:#}");
    let refused = service.ended(&service.submit(&scan(None)));
    assert_eq!(refused["status"], "failed", "without the login nothing opens: {refused:#}");
    for (credential, said) in [("else", "another host"), ("nobody", "no stored login")] {
        let refused = service.post("/v1/security-scans", &scan(Some(credential)));
        assert!(refused.status == 422 && refused.text().contains(said), "{credential}: {}", refused.text());
    }
    let stolen = as_user(&service, &other, Method::POST, "/v1/security-scans", Some(&scan(Some("ci"))));
    assert!(stolen.status == 422 && stolen.text().contains("no stored login"), "{}", stolen.text());
    assert!(as_user(&service, &other, Method::GET, "/v1/git-credentials", None).json()["items"] == json!([]));
    assert_eq!(as_user(&service, &other, Method::DELETE, "/v1/git-credentials/ci", None).status, 404);

    // What another row sealed opens nothing here.
    sql(
        &home,
        "UPDATE git_credentials SET sealed = (SELECT sealed FROM git_credentials WHERE name = 'else') WHERE name = 'ci'",
    );
    let moved = service.ended(&service.submit(&scan(Some("ci"))));
    assert_eq!(moved["status"], "failed", "{moved:#}");
    assert_eq!(as_user(&service, &acme, Method::DELETE, "/v1/git-credentials/ci", None).status, 204);
    assert_eq!(service.post("/v1/security-scans", &scan(Some("ci"))).status, 422);
    assert!(!service.log().contains("s3cret"), "{}", service.log());
    assert!(!holds(&home.path("artifacts"), "s3cret"), "the secret is sealed wherever it is kept");
}

#[test]
fn without_a_master_key_no_secret_is_taken() {
    let home = Home::new();
    let service = Service::start(&home, &[]);
    for (path, body) in [
        ("/v1/git-credentials", json!({ "name": "ci", "host": "git.example.com", "token": "x" })),
        ("/v1/webhooks", json!({ "url": "https://ci.example.com/x" })),
    ] {
        let refused = service.post(path, &body);
        assert!(refused.status == 409 && refused.text().contains("no-master-key"), "{}", refused.text());
    }
}

/// What a receiver was sent: headers and body.
type Received = Arc<Mutex<Vec<(Vec<(String, String)>, Vec<u8>)>>>;

/// A receiver that answers with each of these statuses in turn, the last one again and again.
fn receiver(authority: &Authority, statuses: &'static [&'static str]) -> (Server, Received) {
    let received = Received::default();
    let kept = received.clone();
    let server = Server::start(authority, "127.0.0.1", ([127, 0, 0, 1], 0), move |request, connection| {
        let headers = request.head.lines().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        let at = {
            let mut kept = kept.lock().expect("no panic");
            kept.push((headers, request.body.clone()));
            (kept.len() - 1).min(statuses.len() - 1)
        };
        write!(connection, "HTTP/1.1 {}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", statuses[at])
    });
    (server, received)
}

fn until_received(received: &Received, wanted: usize, service: &Service) {
    let patience = Instant::now() + PATIENCE;
    while received.lock().expect("no panic").len() < wanted {
        assert!(Instant::now() < patience, "nothing comes:\n{}", service.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn case_091_ended_scans_are_told_signed_once_each_and_again_after_a_failure() {
    on_each(|records| {
        let home = Home::new();
        home.workspace("repo");
        let authority = Authority::new();
        let (server, received) = receiver(&authority, &["503 Service Unavailable", "200 OK"]);
        let operator: WebhookSecret = format!("whsec_{}", STANDARD.encode([1; 32])).parse().expect("a secret");
        let mut settings = reaching(&home, &authority, &server);
        settings.push(("CERTUS_ASSURANCE_WEBHOOK_URL", format!("https://{}/operator", server.address)));
        settings.push(("CERTUS_WEBHOOK_SECRET", operator.expose()));
        let settings = [records.settings(&home), borrowed(&settings)].concat();
        let service = Service::start(&home, &settings);
        let made = service.post("/v1/webhooks", &json!({ "url": format!("https://{}/tenant", server.address) }));
        assert_eq!(made.status, 201, "{}", made.text());
        let own: WebhookSecret = made.json()["secret"].as_str().expect("a secret").parse().expect("a secret");
        assert!(!service.get("/v1/webhooks").text().contains("whsec"), "it is shown once");
        let id = service.submit(&directory("repo"));
        let scan = service.ended(&id);
        // One was answered 503 and comes again, five seconds later.
        until_received(&received, 3, &service);
        let all = received.lock().expect("no panic").clone();
        let header = |at: usize, name: &str| {
            all[at].0.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let ids: std::collections::BTreeSet<_> = (0..3).map(|at| header(at, "webhook-id")).collect();
        assert_eq!(ids.len(), 2, "the one that came again has the id that it had: {}", records.name());
        for (at, (headers, body)) in all.iter().enumerate() {
            let now = header(at, "webhook-timestamp").parse::<i64>().expect("seconds");
            let by = |secret: &WebhookSecret| {
                let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                verify(headers, body, std::slice::from_ref(secret), now, Duration::from_secs(300)).is_ok()
            };
            assert!(by(&operator) != by(&own), "each is signed with the secret of its address");
            let told: Value = serde_json::from_slice(body).expect("JSON");
            assert_eq!((&told["type"], &told["data"]["test_id"]), (&json!("scan.completed"), &json!(id)));
            assert_eq!(told["data"]["result_digest"], scan["result_digest"]);
            assert!(!String::from_utf8_lossy(body).contains("AKIA"), "no finding is told");
        }
        let metrics = service.get("/metrics").text();
        assert!(metrics.contains("certus_assurance_webhook_deliveries_total{outcome=\"delivered\"} 2"), "{metrics}");
        assert!(metrics.contains("certus_assurance_webhook_deliveries_total{outcome=\"retried\"} 1"), "{metrics}");
    });
}

#[test]
fn case_091_a_receiver_that_is_gone_or_inside_is_told_nothing() {
    let home = Home::new();
    home.workspace("repo");
    let authority = Authority::new();
    let (server, received) = receiver(&authority, &["410 Gone"]);
    let service = Service::start(&home, &borrowed(&reaching(&home, &authority, &server)));
    for inside in
        ["https://10.0.0.1/x", "https://127.0.0.1/x", "http://ci.example.com/x", "https://ci.example.com:8443/x"]
    {
        let refused = service.post("/v1/webhooks", &json!({ "url": inside }));
        assert_eq!(refused.status, 422, "{inside}: {}", refused.text());
    }
    let made = service.post("/v1/webhooks", &json!({ "url": format!("https://{}/x", server.address) }));
    assert_eq!(made.status, 201, "{}", made.text());
    service.ended(&service.submit(&directory("repo")));
    until_received(&received, 1, &service);
    let patience = Instant::now() + PATIENCE;
    while service.get("/v1/webhooks").json()["items"][0]["stopped"].is_null() {
        assert!(Instant::now() < patience, "{}", service.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    service.ended(&service.submit(&directory("repo")));
    assert_eq!(received.lock().expect("no panic").len(), 1, "who wants no more is told no more");
    let dropped =
        send(service.request(Method::DELETE, &format!("/v1/webhooks/{}", made.json()["id"].as_str().expect("an id"))));
    assert_eq!(dropped.status, 204);
    assert_eq!(service.get("/v1/webhooks").json()["items"], json!([]));
}

#[test]
fn retention_removes_what_is_published_and_nothing_that_waits_for_it() {
    let home = Home::new();
    home.workspace("repo");
    let settings = [("CERTUS_RETENTION_DAYS", "30")];
    let service = Service::start(&home, &settings);
    let [published, waiting, young] = [(); 3].map(|()| service.submit(&directory("repo")));
    let failed = service.submit(&directory("nowhere"));
    for id in [&published, &waiting, &young, &failed] {
        service.ended(id);
    }
    let long_ago = "completed_at = completed_at - 40 * 86400000";
    sql(
        &home,
        &format!(
            "UPDATE scans SET {long_ago}, upload_status = 'uploaded' WHERE id = '{published}';
             UPDATE scans SET {long_ago}, upload_status = 'permitted' WHERE id = '{waiting}';
             UPDATE scans SET upload_status = 'uploaded' WHERE id = '{young}';
             UPDATE scans SET {long_ago} WHERE id = '{failed}'"
        ),
    );
    let run = |arguments: &[&str]| {
        let done = home.service(&settings).args(arguments).output().expect("certus runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    let would = run(&["prune", "--dry-run"]);
    assert!(would.contains(&published) && would.contains(&failed) && would.lines().count() == 2, "{would}");
    let done = run(&["prune"]);
    assert!(done.contains("2 bundles with "), "{done}");
    assert!(run(&["prune"]).contains("0 bundles"), "it is done once");
    for (id, status) in [(&published, 410), (&failed, 410), (&waiting, 200), (&young, 200)] {
        let answer = service.get(&format!("/v1/security-scans/{id}/artifacts"));
        assert_eq!(answer.status, status, "{id}: {}", answer.text());
        let scan = service.get(&format!("/v1/security-scans/{id}")).json();
        assert_eq!(scan["bundle_pruned_at"].is_null(), status == 200, "the record stays: {scan:#}");
        let bundle = home.path(&format!("artifacts/bundles/{id}.1"));
        assert_eq!(bundle.exists(), status == 200);
    }
    let checked = run(&["db", "check", "--bundles"]);
    assert!(checked.contains("2 on record, every one verified"), "{checked}");
    // Above a total, the oldest of those that may go do.
    let small = [("CERTUS_RETENTION_BYTES", "1")];
    let done = home.service(&small).args(["prune"]).output().expect("certus runs");
    assert!(String::from_utf8_lossy(&done.stdout).contains("1 bundles"), "{done:?}");
    assert_eq!(service.get(&format!("/v1/security-scans/{waiting}/artifacts")).status, 200);
}

#[test]
fn the_api_speaks_tls_and_asks_for_certificates() {
    let home = Home::new();
    let authority = Authority::new();
    let (cert, key) = authority.issue("127.0.0.1");
    let path = |name: &str, content: &str| home.write(name, content).to_str().expect("UTF-8").to_owned();
    let (cert, key, ca) = (path("tls.pem", &cert), path("tls.key", &key), path("tls-ca.pem", &authority.pem()));
    let settings = [("CERTUS_TLS_CERT_FILE", cert.as_str()), ("CERTUS_TLS_KEY_FILE", &key)];
    let roots = || reqwest::Certificate::from_pem(authority.pem().as_bytes()).expect("a certificate");
    let ask = |service: &Service, identity: Option<String>| {
        let mut client = reqwest::Client::builder().no_proxy().tls_certs_only([roots()]);
        if let Some(identity) = identity {
            client = client.identity(reqwest::Identity::from_pem(identity.as_bytes()).expect("an identity"));
        }
        let request = client.build().expect("a client").get(format!("https://{}/livez", service.address()));
        crate::support::service::runtime().block_on(async { request.timeout(PATIENCE).send().await })
    };
    let service = Service::start(&home, &settings);
    assert_eq!(ask(&service, None).expect("an answer").status(), 200);
    let plain = service.anonymous(Method::GET, "/livez");
    assert!(crate::support::service::runtime().block_on(async { plain.send().await }).is_err(), "no plain HTTP");
    drop(service);

    let asking = [&settings[..], &[("CERTUS_TLS_CLIENT_CA_FILE", ca.as_str())]].concat();
    let service = Service::start(&home, &asking);
    assert!(ask(&service, None).is_err(), "who shows no certificate is not answered");
    let (cert, key) = authority.issue("client.example");
    assert_eq!(ask(&service, Some(format!("{cert}{key}"))).expect("an answer").status(), 200);
    let (cert, key) = Authority::new().issue("client.example");
    assert!(ask(&service, Some(format!("{cert}{key}"))).is_err(), "nor who shows somebody else's");
    drop(service);

    for (settings, said) in [
        (vec![("CERTUS_TLS_CERT_FILE", "tls.pem")], "one is missing"),
        (vec![("CERTUS_TLS_CERT_FILE", "tls.pem"), ("CERTUS_TLS_KEY_FILE", "nowhere")], "nowhere` cannot be read"),
        (
            vec![("CERTUS_TLS_CERT_FILE", "tls.key"), ("CERTUS_TLS_KEY_FILE", "tls.key")],
            "the certificate cannot be used",
        ),
    ] {
        let refused = home.service(&settings).arg("serve").output().expect("certus runs");
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && error.contains(said), "{error}");
    }
}

#[test]
fn a_drill_restores_a_backup_that_verifies_its_own_history() {
    on_each(|records| {
        let home = Home::new();
        home.workspace("repo");
        let bucket = s3::server().map(|server| (server, server.bucket()));
        let blobs = bucket.as_ref().map(|(server, bucket)| server.settings(bucket, server.port())).unwrap_or_default();
        let mut settings = records.settings(&home);
        settings.extend(borrowed(&blobs));
        let service = Service::start(&home, &settings);
        let ids = [(); 3].map(|()| service.submit(&directory("repo")));
        for id in &ids {
            assert_eq!(service.ended(id)["status"], "succeeded");
        }
        let owned = match records {
            Records::Sqlite => Vec::new(),
            Records::Postgres(database) => vec![("DATABASE_OWNER_URL", database.owner_setting.as_str())],
        };
        let all = [&settings[..], &owned[..]].concat();
        let run = |arguments: &[&str]| {
            let done = home.service(&all).args(arguments).output().expect("certus runs");
            let said = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
            (done.status.code(), said)
        };
        let place = home.path("backup");
        let place = place.to_str().expect("UTF-8");
        let (code, said) = run(&["backup", "create", place]);
        assert_eq!(code, Some(0), "{}: {said}", records.name());
        assert!(said.contains("3 bundles"), "{said}");
        assert_eq!(run(&["backup", "verify", place]).0, Some(0));
        assert_eq!(run(&["backup", "create", place]).0, Some(1), "nothing is overwritten");
        let (code, said) = run(&["backup", "restore", place]);
        assert_eq!(code, Some(1), "nor by a restore: {said}");

        let elsewhere = match records {
            Records::Sqlite => None,
            Records::Postgres(_) => crate::support::postgres::server().map(|server| server.empty()),
        };
        let drill: Vec<&str> = match &elsewhere {
            None => vec!["backup", "drill"],
            Some(database) => vec!["backup", "drill", "--into", &database.owner_setting],
        };
        let (code, said) = run(&drill);
        assert_eq!(code, Some(0), "{}: {said}", records.name());
        for line in ["3 bundles", "restored", "audit chain", "3 on record, every one verified"] {
            assert!(said.contains(line), "{line} in {said}");
        }
        // A backup that somebody has changed restores nothing.
        let file = std::fs::read_dir(home.path("backup/blobs/bundles")).unwrap().next().unwrap().unwrap().path();
        std::fs::write(file.join("summary.json"), "{}").unwrap();
        let (code, said) = run(&["backup", "verify", place]);
        assert!(code == Some(2) && said.contains("is not what was signed"), "{said}");
    });
}

#[test]
fn what_is_wrong_with_a_setting_is_one_sentence_with_the_fix() {
    let home = Home::new();
    home.write("empty", "");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (database, bucket) =
        (format!("postgres://certus@127.0.0.1:{closed}/certus"), format!("http://127.0.0.1:{closed}"));
    let s3 = [("CERTUS_BLOBS", "s3://here"), ("S3_ACCESS_KEY_ID", "a"), ("S3_SECRET_ACCESS_KEY", "hunter2")];
    for (settings, said) in [
        (vec![("CERTUS_OFLINE", "true")], "there is no setting CERTUS_OFLINE; unset it, or write CERTUS_OFFLINE"),
        (vec![("CERTUS_LISTEN", "127.0.0.1:0")], "unset it, or write CERTUS_ASSURANCE_LISTEN"),
        (vec![("CERTUS_LEASE_SECONDS", "0")], "is `0`; it is a whole number from 1 to 86400"),
        (vec![("ENCRYPTION_MASTER_KEY", "hunter2")], "ENCRYPTION_MASTER_KEY cannot be used"),
        (
            vec![("ENCRYPTION_MASTER_KEY_FILE", "nowhere")],
            "the file `nowhere` of ENCRYPTION_MASTER_KEY_FILE cannot be read",
        ),
        (vec![("COSIGN_PASSWORD_FILE", "empty")], "is empty; write the secret into it"),
        (vec![("CERTUS_KEY", "nobody")], "nobody"),
        (vec![("DATABASE_URL", database.as_str())], "cannot be reached; see that it runs"),
        (vec![("CERTUS_BLOBS", "s3://here")], "S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY are not both set"),
        ([&s3[..], &[("S3_ENDPOINT_URL", bucket.as_str())]].concat(), "see that the store runs, and that its login"),
        (vec![("CERTUS_ASSURANCE_WEBHOOK_URL", "https://ci.example.com/x")], "is set without CERTUS_WEBHOOK_SECRET"),
        (vec![("CERTUS_CA_FILE", "empty")], "certificate"),
    ] {
        let checked = home.service(&settings).args(["config", "check"]).output().expect("certus runs");
        let text = [checked.stdout, checked.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        assert!(checked.status.code().is_some_and(|code| [1, 2].contains(&code)), "{settings:?}: {text}");
        assert!(text.contains(said) && !text.contains("hunter2"), "{settings:?}: {text}");
    }
    let checked = certus(&home, &["config", "check"]);
    assert!(checked.contains("ok      database") && checked.contains("ok      blobs"), "{checked}");
    let secrets = [("ENCRYPTION_MASTER_KEY", &*master_key()), ("DATABASE_URL", "postgres://ada:hunter2@db.corp/x")];
    let shown = home.service(&secrets).args(["config", "show", "--redacted"]).output().expect("certus runs");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(!shown.contains("hunter2") && !shown.contains(&master_key()), "{shown}");
    for line in ["(set)  [ENCRYPTION_MASTER_KEY]", "db.corp/x  [DATABASE_URL]", "CERTUS_OFFLINE", "false  [default]"] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
}

#[test]
fn offline_whatever_would_call_out_is_refused_by_name() {
    let home = Home::new();
    let (secret, s3) = (format!("whsec_{}", STANDARD.encode([1; 32])), "s3://bucket");
    let login = [("S3_ACCESS_KEY_ID", "a"), ("S3_SECRET_ACCESS_KEY", "b"), ("CERTUS_BLOBS", s3)];
    let hook = [("CERTUS_ASSURANCE_WEBHOOK_URL", "https://ci.example.com/x"), ("CERTUS_WEBHOOK_SECRET", &*secret)];
    for (what, settings, allowed) in [
        ("DATABASE_URL", vec![("DATABASE_URL", "postgres://certus@db.example.com/x")], "db.example.com:5432"),
        ("CERTUS_ASSURANCE_WEBHOOK_URL", hook.to_vec(), "ci.example.com"),
        (
            "CERTUS_OTLP_ENDPOINT",
            vec![("CERTUS_OTLP_ENDPOINT", "http://otel.example.com:4318")],
            "otel.example.com:4318",
        ),
        ("S3_ENDPOINT_URL", [&login[..], &[("S3_ENDPOINT_URL", "https://s3.example.com")]].concat(), "s3.example.com"),
        ("S3_ENDPOINT_URL", login.to_vec(), ""),
        ("CERTUS_PROXY", vec![("CERTUS_PROXY", "http://proxy.example.com:3128")], "proxy.example.com:3128"),
    ] {
        let offline = [&settings[..], &[("CERTUS_OFFLINE", "true")]].concat();
        let refused = home.service(&offline).arg("serve").output().expect("certus runs");
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(
            !refused.status.success() && error.contains(what) && error.contains("CERTUS_OFFLINE"),
            "{what}: {error}"
        );
        if allowed.is_empty() {
            continue;
        }
        // Once it is named, the settings are as they should be.
        let named = [&offline[..], &[("CERTUS_ALLOWED_HOSTS", allowed)]].concat();
        let checked = home.service(&named).args(["config", "check"]).output().expect("certus runs");
        let text = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert!(text.contains("ok      settings"), "{what}: {text}{}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn a_manifest_in_a_bucket_is_read_where_the_operator_has_named_it() {
    let Some(server) = s3::server() else { return };
    let home = Home::new();
    home.workspace("repo");
    let (bucket, other) = (server.bucket(), server.bucket());
    let manifest = r#"{"product":"p","version":"1","profiles":[{"name":"own","tools":["secrets"]}]}"#;
    let keys = home.run(&["keys", "generate", "manifests"]);
    assert_eq!(keys.code, 0, "{}", keys.stderr);
    for bucket in [&bucket, &other] {
        std::fs::write(server.file(bucket, "manifest.json"), manifest).expect("a file");
        std::fs::write(server.file(bucket, "manifest.json.sig"), "bm90aGluZw==").expect("a file");
    }
    let mut settings = server.settings(&bucket, server.port());
    settings.push(("CERTUS_MANIFEST_BUCKETS", bucket.clone()));
    settings[0].1 = "folder".to_owned();
    let service = Service::start(&home, &borrowed(&settings));
    let asked = |bucket: &str, key: &str| {
        let mut body = directory("repo");
        body["profile"] = json!("own");
        body["manifest_uri"] = json!(format!("s3://{bucket}/{key}"));
        body["manifest_signature_uri"] = json!(format!("s3://{bucket}/manifest.json.sig"));
        body
    };
    // The server looks at its folder every now and then.
    let patience = Instant::now() + PATIENCE;
    let done = loop {
        let done = service.ended(&service.submit(&asked(&bucket, "manifest.json")));
        if done["status"] == "succeeded" || Instant::now() > patience {
            break done;
        }
    };
    assert_eq!(done["status"], "succeeded", "{done:#}");
    assert_eq!(done["manifest_metadata"]["product"], "p", "{done:#}");
    let gone = service.ended(&service.submit(&asked(&bucket, "nowhere.json")));
    assert_eq!((&gone["status"], &gone["failure"]), (&json!("failed"), &json!("manifest")), "{gone:#}");
    let refused = service.post("/v1/security-scans", &asked(&other, "manifest.json"));
    assert!(refused.status == 422 && refused.text().contains("names no bucket"), "{}", refused.text());
    drop(service);
    let service = Service::start(&home, &borrowed(&settings[1..4]));
    let refused = service.post("/v1/security-scans", &asked(&bucket, "manifest.json"));
    assert!(refused.status == 422 && refused.text().contains("has named none"), "{}", refused.text());
}

#[test]
fn the_checklist_of_production_fails_until_everything_is_as_it_should_be() {
    let home = Home::new();
    let run = |settings: &[(&str, &str)]| {
        let done = home.service(settings).args(["doctor", "--production"]).output().expect("certus runs");
        (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned())
    };
    let (code, said) = run(&[]);
    assert_eq!(code, Some(2), "{said}");
    let line = |said: &str, name: &str| {
        let mut lines = said.lines().filter(|line| line.split_whitespace().nth(1) == name.split(' ').next());
        lines.rfind(|line| line.contains(name)).unwrap_or_default().to_owned()
    };
    for name in ["production", "signing key"] {
        assert!(line(&said, name).starts_with("FAILED"), "{name}: {said}");
    }
    certus(&home, &["keys", "generate", "service"]);
    user(&home, "operators", "admin");
    let authority = Authority::new();
    let (cert, tls_key) = authority.issue("127.0.0.1");
    let secret = |name: &str, text: &str| {
        let path = home.write(name, text);
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    };
    let (cert, tls_key) = (secret("tls.pem", &cert), secret("tls.key", &tls_key));
    let master = secret("master", &master_key());
    let open = secret("open", &master_key());
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("a file");
    let good = [
        ("CERTUS_PRODUCTION", "true"),
        ("CERTUS_KEY", "service"),
        ("CERTUS_TLS_CERT_FILE", &*cert),
        ("CERTUS_TLS_KEY_FILE", &tls_key),
        ("CERTUS_RETENTION_DAYS", "90"),
        ("ENCRYPTION_MASTER_KEY_FILE", &master),
    ];
    let (code, said) = run(&good);
    assert_eq!(code, Some(0), "{said}");
    for name in ["production", "transport", "secrets", "sealing", "retention", "database", "audit chain", "blobs"] {
        assert!(line(&said, name).starts_with("ok"), "{name}: {said}");
    }
    assert!(!said.contains(&master_key()), "{said}");
    for (wrong, name) in [
        (vec![("ENCRYPTION_MASTER_KEY_FILE", &*open)], "can be read by others"),
        (
            vec![("CERTUS_ASSURANCE_LISTEN", "0.0.0.0:0"), ("CERTUS_TLS_CERT_FILE", ""), ("CERTUS_TLS_KEY_FILE", "")],
            "plain HTTP",
        ),
        (vec![("CERTUS_ASSURANCE_USE_SAMPLE_MODE", "true")], "sample mode"),
    ] {
        let (code, said) = run(&[&good[..], &wrong[..]].concat());
        assert!(code == Some(2) && said.contains(name), "{name}: {said}");
    }
}
