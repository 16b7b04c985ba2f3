//! Tenants with a signing key of their own: it signs for them and for nobody else, and nothing else signs for them.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certus_model::Sha256;
use reqwest::Method;
use serde_json::{Value, json};

use super::{id_of, made};
use crate::service::keys::{certus, key, production, user};
use crate::support::home::{Home, ended};
use crate::support::service::{Answer, PATIENCE, Service, directory, send};

/// A service for two tenants, `acme` and `other`, with the key of a user of each, and of an administrator.
struct Site {
    home: Home,
    service: Service,
    keys: [String; 3],
}

const TENANTS: [&str; 2] = ["acme", "other"];

impl Site {
    fn new() -> Self {
        let home = Home::new();
        home.workspace("repo");
        let settings = production(&home);
        let [acme, other] = TENANTS.map(|tenant| key(&home, &user(&home, tenant, "tenant"), "write"));
        let admin = key(&home, &user(&home, "acme", "admin"), "write");
        let service = Service::start(&home, &settings);
        Self { home, service, keys: [acme, other, admin] }
    }

    fn ask(&self, who: usize, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.service.anonymous(method, path).bearer_auth(&self.keys[who]);
        send(request.header("content-type", "application/json").body(body.to_string()))
    }

    fn get(&self, who: usize, path: &str) -> Value {
        self.ask(who, Method::GET, path, &Value::Null).json()
    }

    /// What became of a scan of the tenant's.
    fn scanned(&self, who: usize, path: &str) -> Value {
        let answer = self.ask(who, Method::POST, "/v1/security-scans", &directory(path));
        assert_eq!(answer.status, 202, "{}", answer.text());
        let id = answer.json()["test_id"].as_str().expect("an id").to_owned();
        let started = std::time::Instant::now();
        loop {
            let scan = self.get(who, &format!("/v1/security-scans/{id}"));
            if !["queued", "running"].iter().any(|status| scan["status"] == *status) {
                return scan;
            }
            assert!(started.elapsed() < PATIENCE, "{scan:#}\n{}", self.service.log());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// The folder of a scan's bundle, if it has one.
    fn bundle(&self, scan: &Value) -> Option<PathBuf> {
        let id = scan["test_id"].as_str().expect("an id");
        let mut bundles = std::fs::read_dir(self.home.path("artifacts/bundles")).expect("a folder");
        bundles.find_map(|entry| {
            let path = entry.expect("an entry").path();
            path.file_name()?.to_str()?.contains(id).then_some(path)
        })
    }

    /// Which of these keys a scan's bundle verifies with.
    fn signers(&self, scan: &Value) -> Vec<&'static str> {
        let bundle = self.bundle(scan).expect("a bundle").display().to_string();
        let verifies = |name: &&str| match self.home.run(&["verify", &bundle, "--key", name]).code {
            0 => true,
            2 => false,
            code => panic!("{code}"),
        };
        ["service", "acme", "other"].into_iter().filter(verifies).collect()
    }

    /// What a tenant's publication came to.
    fn published(&self, who: usize, scan: &Value) -> Value {
        let path = format!("/v1/security-scans/{}/upload-request", scan["test_id"].as_str().expect("an id"));
        let asked = self.ask(who, Method::POST, &path, &json!({ "tier": "verified" }));
        assert_eq!(asked.status, 202, "{}", asked.text());
        self.get(who, &path)
    }

    /// What Trust says to a bundle that is said to be a tenant's.
    fn judged(&self, scan: &Value, tenant: &str) -> Value {
        let bundle = self.bundle(scan).expect("a bundle");
        let mut artifacts = Vec::new();
        for folder in ["", "logs", "reports", "reports/sast", "reports/sbom"] {
            for entry in std::fs::read_dir(bundle.join(folder)).into_iter().flatten() {
                let path = entry.expect("an entry").path();
                let Ok(bytes) = std::fs::read(&path) else { continue };
                let name = path.strip_prefix(&bundle).expect("below").display().to_string();
                let hash = format!("sha256:{}", Sha256::of(&bytes));
                artifacts.push(json!({ "name": name, "hash": hash, "size": bytes.len() }));
            }
        }
        let documents = ["index.json", "attestation.dsse.json", "bundle.sigstore.json", "policy-result.json"];
        let document = |name: &str| BASE64.encode(std::fs::read(bundle.join(name)).expect("a file"));
        let documents: serde_json::Map<_, _> =
            documents.iter().map(|name| ((*name).to_owned(), json!(document(name)))).collect();
        let body = json!({
            "scan_id": scan["test_id"], "tenant_id": tenant, "tier": "verified", "artifacts": artifacts,
            "documents": documents,
        });
        let answer = self.ask(2, Method::POST, "/v1/verify-and-permit-upload", &body);
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()
    }

    /// An operator's word about a tenant; what is said where it is refused.
    fn set(&self, tenant: &str, reference: &str) -> Result<(), String> {
        let mut command = self.home.service(&[("CERTUS_KEY", "service")]);
        let ended =
            ended(command.args(["tenant", "set", tenant, "--signing-key", reference]).output().expect("it runs"));
        if ended.code == 0 { Ok(()) } else { Err(ended.stderr) }
    }
}

#[test]
fn each_tenant_signs_with_its_own_key_and_is_permitted_by_it_alone() {
    let site = Site::new();
    TENANTS.iter().for_each(|name| made(&site.home, name));
    let before = site.scanned(0, "repo");
    assert_eq!(site.signers(&before), ["service"]);
    // The host's key signs for everybody; its bundles are published for those whose scans they are.
    assert_eq!(site.judged(&before, "acme")["permitted"], true);
    assert_eq!(site.judged(&before, "other")["reason"], "artifact_mismatch");
    let provenance = site.get(2, &format!("/v1/provenance/{}", before["test_id"].as_str().expect("an id")));
    assert_ne!(provenance["trust_level"], "low", "what others ask about it changes nothing: {provenance:#}");
    site.set("acme", "acme").expect("it is set");
    let changed = site.ask(2, Method::PATCH, "/v1/admin/tenants/other", &json!({ "signing_key": "other" }));
    assert_eq!((changed.status, &changed.json()["signing_key"]), (200, &json!("other")));
    assert!(certus(&site.home, &["tenant", "list"]).contains("key acme"));

    let scans = [site.scanned(0, "repo"), site.scanned(1, "repo")];
    for (who, (scan, name)) in scans.iter().zip(TENANTS).enumerate() {
        assert_eq!(scan["status"], "succeeded", "{scan:#}\n{}", site.service.log());
        assert_eq!(site.signers(scan), [name]);
        let upload = site.published(who, scan);
        assert_eq!(upload["upload_status"], "permitted", "{upload:#}");
        assert_eq!(upload["verification_proof"]["signer_inner"], json!(id_of(&site.home, name)), "{upload:#}");
        // The same bundle, as if it were the other's.
        let (own, swapped) = (site.judged(scan, name), site.judged(scan, TENANTS[1 - who]));
        assert_eq!(own["permitted"], true, "{own:#}");
        assert_eq!(
            (&swapped["permitted"], &swapped["reason"]),
            (&json!(false), &json!("invalid_signer")),
            "{swapped:#}"
        );
        let failed = site.scanned(who, "not-there");
        assert_eq!(failed["status"], "failed");
        assert_eq!(site.signers(&failed), [name], "what failed is signed by the same key");
    }
    // What the host signed before still counts, and the key goes with the word.
    assert_eq!(site.published(0, &before)["upload_status"], "permitted");
    site.set("acme", "none").expect("it is taken away");
    assert_eq!(site.signers(&site.scanned(0, "repo")), ["service"]);
    assert_eq!(site.judged(&scans[0], "acme")["permitted"], true, "it stays the tenant's");
    assert_eq!(site.judged(&scans[0], "other")["reason"], "invalid_signer");
}

#[test]
fn a_key_that_cannot_be_used_signs_nothing_and_no_other_does() {
    let site = Site::new();
    made(&site.home, "acme");
    site.set("acme", "acme").expect("it is set");
    for (tenant, reference, says) in [
        ("other", "acme", "another tenant's"),
        ("other", "service", "the host's"),
        ("other", "nobody", "nobody"),
        ("other", "development", "nobody has decided for"),
        ("other", "/etc/certus/other.key", "is a file"),
        ("nobody", "acme", "no tenant"),
    ] {
        let said = site.set(tenant, reference).expect_err(reference);
        assert!(said.contains(says), "{reference}: {said}");
    }
    // By HTTP nobody looks at the key before it is needed.
    for (reference, says) in [("nobody", "nobody"), ("acme", "signed for somebody else"), ("service", "the host's own")]
    {
        let body = json!({ "signing_key": reference });
        assert_eq!(site.ask(2, Method::PATCH, "/v1/admin/tenants/other", &body).status, 200);
        let scan = site.scanned(1, "repo");
        assert_eq!(scan["status"], "failed", "{scan:#}");
        let told = format!("the tenant's signing key `{reference}` cannot be used");
        assert!(scan["errors"].to_string().contains(&told), "{scan:#}");
        assert_eq!(site.bundle(&scan), None, "no other key signs in its place");
        assert!(site.service.log().contains(says), "{reference}: {}", site.service.log());
    }
    let body = json!({ "signing_key": "none" });
    assert_eq!(site.ask(2, Method::PATCH, "/v1/admin/tenants/other", &body).status, 200);
    assert_eq!(site.scanned(1, "repo")["status"], "succeeded", "the twin");
}
