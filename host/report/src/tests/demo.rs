//! A scan as it might be: three plugins, some thirty findings, a baseline, gaps, an inventory.

use certus_model::coverage::{FileState, RunStatus, SkipReason};
use certus_model::inventory::{Dependency, HashAlgorithm, PackageHash, Scope};
use certus_model::outcome::CallReason;
use certus_model::severity::Thresholds;
use certus_model::{Confidence, Finding, Parameter, Severity, Value};

use crate::NotRun;
use crate::fixture::{Scene, dependency, finding, secret, text};

const AWS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const DB_PASSWORD: &str = "tr0ub4dor&3-horse-staple";
const PRIVATE_KEY: &str = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIBkg4LVWM9nuwNSk3yByxZpYRTBnVJk5oGoAoGCCqGSM49\nAwEHoUQDQgAEIZv+8WZ1pOe3rr2Tf4\n-----END EC PRIVATE KEY-----";

const SECRET_RULES: &str = r#"
[[rules]]
id = "aws-access-key"
title = "AWS access key"
severity = "critical"
message = "An AWS access key is committed"
help = "Revoke the key in the AWS console, then remove it from the history.\nA key that was pushed counts as published."
cwe = [798]
tags = ["secret", "aws"]
sensitive = true
[[rules]]
id = "private-key"
title = "Private key"
severity = "critical"
message = "A private key is committed"
help = "Replace the key pair and remove the file."
cwe = [321, 798]
tags = ["secret"]
sensitive = true
[[rules]]
id = "password-in-url"
title = "Password in a connection string"
severity = "high"
message = "A connection string carries a password of {length} characters"
help = "Read the password from a secret store."
cwe = [259]
tags = ["secret"]
sensitive = true
parameters = { length = "number" }
"#;

const CODE_RULES: &str = r#"
[[rules]]
id = "python-eval"
title = "Evaluated input"
severity = "high"
message = "`{function}` runs whatever `{argument}` holds"
help = "Parse the input instead: ast.literal_eval, json.loads."
cwe = [95]
tags = ["python", "injection"]
parameters = { function = "text", argument = "text", source = "location" }
[[rules]]
id = "weak-hash"
title = "Weak hash"
severity = "medium"
message = "{algorithm} does not resist collisions"
help = "Use SHA-256."
cwe = [327]
tags = ["crypto"]
parameters = { algorithm = "text" }
[[rules]]
id = "debug-enabled"
title = "Debug mode"
severity = "low"
message = "Debug mode is enabled"
help = "Enable it from the environment, in development alone."
cwe = [489]
[[rules]]
id = "todo"
title = "Open note"
severity = "info"
message = "A note of the author is open"
help = "Decide it."
"#;

const ADVISORY_RULE: &str = r#"
[[rules]]
id = "vulnerable"
title = "Known vulnerability"
severity = "from-finding"
max-severity = "critical"
message = "{package} {version} is affected by {advisory}"
help = "Update the package."
cwe = [1395]
tags = ["dependency"]
parameters = { package = "text", version = "text", advisory = "text" }
identity = ["package", "advisory"]
"#;

fn files() -> Vec<(&'static str, String)> {
    let views: String = (0..8)
        .map(|number| {
            format!("def view_{number}(request):\n\tkind = request.GET[\"kind\"]\n\treturn eval(kind)  # naïve 😀\n\n")
        })
        .collect();
    let hashes: String = (0..6).map(|number| format!("digest_{number} = hashlib.md5(data).hexdigest()\n")).collect();
    let minified = format!("!function(e){{{}eval(e.data);{}}}(window)", "var a=1;".repeat(400), "var b=2;".repeat(400));
    vec![
        ("Cargo.lock", "[[package]]\nname = \"shop\"\n\n[[package]]\nname = \"time\"\nversion = \"0.1.43\"\n\n[[package]]\nname = \"serde\"\n".to_owned()),
        ("README.md", "# Shop\n\nTODO: describe the deployment.\n".to_owned()),
        ("config/settings.py", format!("DEBUG = True\nDATABASE = \"postgres://shop:{DB_PASSWORD}@db.internal/shop\"\n")),
        ("deploy/prod.env", format!("AWS_ACCESS_KEY_ID={AWS_KEY}\nREGION=eu-west-1\n")),
        ("deploy/keys/signing.pem", format!("{PRIVATE_KEY}\n")),
        ("docs/howto.md", format!("Example:\n\n    export AWS_ACCESS_KEY_ID={AWS_KEY}\n")),
        ("logo.png", "\0PNG".to_owned()),
        ("services/catalogue/internal/application/handlers/inventory/reservation/reserve_stock_handler.py", format!("import hashlib\n{hashes}")),
        ("static/app.min.js", minified),
        ("tests/fixtures/keys.env", "AWS_ACCESS_KEY_ID=AKIAFAKEFAKEFAKE0000\n".to_owned()),
        ("web/views.py", views),
    ]
}

pub(super) fn demo() -> Scene {
    let mut scene = Scene::new(files());
    secrets(&mut scene);
    code(&mut scene);
    inventory(&mut scene);
    scene.thresholds = Thresholds::of([Some(0), Some(5), Some(50)]);
    scene.not_run = vec![
        NotRun { tool: "zap-dast".into(), reason: "needs a running stack".into(), required: false },
        NotRun { tool: "ruff".into(), reason: "no plugin stands for it".into(), required: true },
    ];
    scene.baseline = "[[suppression]]\npath = \"tests/fixtures/**\"\nrule = \"secrets/aws-access-key\"\nreason = \"Invented keys for the parser's tests.\"\n\
        [[suppression]]\npath = \"old/**\"\nreason = \"Was removed.\"\n"
        .parse()
        .unwrap();
    scene
}

fn secrets(scene: &mut Scene) {
    let length = Parameter { name: "length".to_owned(), value: Value::Number(DB_PASSWORD.len() as i64) };
    let password = Finding {
        parameters: vec![length],
        confidence: Confidence::High,
        ..secret("password-in-url", scene.at("config/settings.py", DB_PASSWORD, 0))
    };
    let critical = |rule, at| Finding { severity: Severity::Critical, ..secret(rule, at) };
    let findings = vec![
        critical("aws-access-key", scene.at("docs/howto.md", AWS_KEY, 0)),
        critical("aws-access-key", scene.at("deploy/prod.env", AWS_KEY, 0)),
        critical("aws-access-key", scene.at("tests/fixtures/keys.env", "AKIAFAKEFAKEFAKE0000", 0)),
        critical("private-key", scene.at("deploy/keys/signing.pem", PRIVATE_KEY, 0)),
        password,
    ];
    let run = scene.run("certus.secrets", SECRET_RULES, findings);
    run.files[6] = FileState::Skipped(SkipReason::Binary);
    run.files[1] = FileState::Prefiltered;
    run.files[10] = FileState::Prefiltered;
}

fn code(scene: &mut Scene) {
    let mut findings = Vec::new();
    for nth in 0..8 {
        let mut eval = finding("python-eval", scene.at("web/views.py", "eval(kind)", nth), Severity::High);
        let source = scene.at("web/views.py", "request.GET", nth);
        eval.parameters = vec![
            text("argument", "kind"),
            text("function", "eval"),
            Parameter { name: "source".into(), value: Value::Location(source.clone()) },
        ];
        eval.related = vec![source];
        findings.push(eval);
    }
    let mut minified = finding("python-eval", scene.at("static/app.min.js", "eval(e.data)", 0), Severity::High);
    minified.parameters = vec![text("argument", "e.data"), text("function", "eval")];
    findings.push(minified);
    let long = "services/catalogue/internal/application/handlers/inventory/reservation/reserve_stock_handler.py";
    for nth in 0..6 {
        let mut weak = finding("weak-hash", scene.at(long, "hashlib.md5", nth), Severity::Medium);
        weak.parameters = vec![text("algorithm", "MD5")];
        findings.push(weak);
    }
    findings.push(finding("debug-enabled", scene.at("config/settings.py", "DEBUG = True", 0), Severity::Low));
    findings.push(finding("todo", scene.at("README.md", "TODO", 0), Severity::Info));
    let run = scene.run("acme.code", CODE_RULES, findings);
    for (index, state) in
        [(0, FileState::NotOfInterest), (6, FileState::NotOfInterest), (8, FileState::Failed(CallReason::Fuel))]
    {
        run.files[index] = state;
    }
    run.status = RunStatus::Incomplete;
}

fn inventory(scene: &mut Scene) {
    let mut findings = Vec::new();
    for (advisory, severity) in [("RUSTSEC-2020-0071", Severity::Critical), ("RUSTSEC-2020-0159", Severity::Medium)] {
        let mut found = finding("vulnerable", scene.at("Cargo.lock", "time", 0), severity);
        found.parameters = vec![text("advisory", advisory), text("package", "time"), text("version", "0.1.43")];
        findings.push(found);
    }
    let evidence = |name: &str| vec![scene.at("Cargo.lock", name, 0)];
    let hash = PackageHash { algorithm: HashAlgorithm::Sha256, value: "0f".repeat(32) };
    let dependencies: Vec<Dependency> = vec![
        Dependency { root: true, evidence: evidence("shop"), ..dependency("0", "shop", "0.3.0", &["1", "2"]) },
        Dependency { hashes: vec![hash], evidence: evidence("time"), ..dependency("1", "time", "0.1.43", &[]) },
        Dependency {
            scope: Scope::Development,
            evidence: evidence("serde"),
            ..dependency("2", "serde", "1.0.219", &[])
        },
    ];
    let run = scene.run("certus.inventory", ADVISORY_RULE, findings);
    run.dependencies = dependencies;
    run.files = vec![FileState::NotOfInterest; run.files.len()];
    run.files[0] = FileState::Analysed;
}

#[test]
fn demo_has_no_secret_in_any_document() {
    let scene = demo();
    let report = scene.report();
    let documents = crate::fixture::documents(&report);
    for secret in [AWS_KEY, DB_PASSWORD, "MHcCAQEEIBkg4LVWM9", "AKIAFAKEFAKEFAKE0000"] {
        for (name, document) in &documents {
            assert!(!document.contains(secret), "{name} holds {secret}");
        }
    }
}
