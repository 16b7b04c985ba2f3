//! The compose file, read by the loader that `docker compose` itself uses, and the scripts beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use certus_store::DatabaseUrl;
use serde_json::Value;

use super::{deploy, output, read, root, said, texts, tool};
use crate::support::home::Home;
use crate::support::postgres;

/// What `docker compose` takes from `.env`.
fn dot_env() -> BTreeMap<String, String> {
    let text = read(&root().join(".env"));
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once('=').expect("NAME=VALUE")).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

fn load(loader: &Path, files: &[&str], environment: &BTreeMap<String, String>) -> Output {
    let mut command = Command::new(loader);
    output(command.env_clear().envs(environment).args(["-format", "json"]).args(files).current_dir(root()))
}

pub(super) fn project(files: &[&str]) -> Option<Value> {
    let loaded = load(&tool("compose-spec", "the compose file")?, files, &dot_env());
    assert!(loaded.status.success(), "{}", said(&loaded));
    Some(serde_json::from_slice(&loaded.stdout).expect("JSON"))
}

/// The services of a profile.
fn services<'p>(project: &'p Value, profile: &str) -> BTreeMap<&'p str, &'p Value> {
    let all = project["services"].as_object().expect("services").iter();
    all.filter(|(_, service)| texts(&service["profiles"]) == [profile]).map(|(name, s)| (name.as_str(), s)).collect()
}

fn names(object: &Value) -> Vec<&str> {
    object.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

pub(super) fn environment(service: &Value) -> BTreeMap<&str, &str> {
    let settings = service["environment"].as_object().into_iter().flatten();
    settings.map(|(name, value)| (name.as_str(), value.as_str().expect("a text"))).collect()
}

#[test]
fn the_host_is_alone_unless_more_is_asked_for() {
    let Some(project) = project(&["docker-compose.yml"]) else { return };
    assert_eq!(dot_env()["COMPOSE_PROFILES"], "alone");
    let alone = services(&project, "alone");
    assert_eq!(alone.keys().collect::<Vec<_>>(), [&"certus-assurance"]);
    let port = &alone["certus-assurance"]["ports"][0];
    assert_eq!(
        (&port["target"], &port["published"], &port["host_ip"]),
        (&8000.into(), &"8056".into(), &"127.0.0.1".into())
    );
    let full = services(&project, "full");
    let wanted = [
        "certus-api",
        "certus-migrate",
        "certus-transform",
        "certus-trust",
        "certus-worker",
        "postgres",
        "registry",
        "s3",
        "s3-bucket",
        "volumes",
    ];
    assert_eq!(full.keys().copied().collect::<Vec<_>>(), wanted);
    for (name, published) in [("certus-trust", "8057"), ("certus-transform", "8100")] {
        let port = &full[name]["ports"][0];
        let bound = (&port["target"], &port["published"], &port["host_ip"]);
        assert_eq!(bound, (&8000.into(), &published.into(), &"127.0.0.1".into()), "{name}");
    }
    assert_eq!(alone.len() + full.len(), project["services"].as_object().unwrap().len(), "each is of one of the two");
    for (name, service) in &full {
        for other in names(&service["depends_on"]) {
            assert!(full.contains_key(other), "{name} waits for {other}");
        }
        let published = service["ports"].as_array().is_some();
        assert_eq!(published, ["certus-api", "certus-transform", "certus-trust"].contains(name), "{name}");
    }
}

#[test]
fn those_who_write_to_the_log_have_one_folder_of_keys() {
    let Some(project) = project(&["docker-compose.yml"]) else { return };
    let keys = |name: &str| {
        let mut volumes = project["services"][name]["volumes"].as_array().into_iter().flatten();
        let keys = volumes.find(|volume| volume["target"] == "/var/lib/certus/keys");
        keys.and_then(|volume| volume["source"].as_str()).map(str::to_owned)
    };
    assert_eq!(keys("certus-worker").as_deref(), Some("certus-keys"));
    assert_eq!(keys("certus-trust"), keys("certus-worker"));
    assert_eq!(keys("certus-transform"), keys("certus-worker"));
    assert_eq!(keys("certus-api"), None, "the API signs nothing");
    // A new volume belongs to whom the folder in the image belongs to.
    let made = "install -d -o 65532 -g 65532 -m 0700 /var/lib/certus /var/lib/certus/keys\n";
    assert!(read(&root().join("host/Dockerfile")).contains(made));
}

#[test]
fn a_variable_that_is_missing_is_asked_for_by_name() {
    let Some(loader) = tool("compose-spec", "the compose file") else { return };
    for name in ["CERTUS_IMAGE", "POSTGRES_IMAGE", "S3_IMAGE", "REGISTRY_IMAGE"] {
        let mut environment = dot_env();
        environment.remove(name).unwrap_or_else(|| panic!("{name} stands in .env"));
        let refused = load(&loader, &["docker-compose.yml"], &environment);
        assert!(!refused.status.success(), "{name}");
        let said = said(&refused);
        assert!(said.contains(&format!("{name} is missing a value: set it in .env to")), "{said}");
        assert!(said.contains("@sha256:DIGEST"), "{said}");
    }
    assert!(load(&loader, &["docker-compose.yml"], &dot_env()).status.success());
}

#[test]
fn every_container_is_confined() {
    let Some(project) = project(&["docker-compose.yml"]) else { return };
    let mut drains = 0;
    for (name, service) in project["services"].as_object().unwrap() {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(texts(&service["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(texts(&service["security_opt"]), ["no-new-privileges:true"], "{name}");
        assert!(service["pids_limit"].as_i64().is_some_and(|limit| limit > 0), "{name}");
        assert!(service["privileged"].is_null() && service["network_mode"] != "host", "{name}");
        let user = service["user"].as_str().unwrap_or_else(|| panic!("{name} has no user"));
        if name == "volumes" {
            // It gives new volumes away, without a network, and ends.
            assert_eq!((user, &service["network_mode"]), ("0:0", &"none".into()));
            assert_eq!(texts(&service["cap_add"]), ["CHOWN"]);
            assert_eq!(service["restart"], "no");
        } else {
            assert!(!user.starts_with("0"), "{name} runs as {user}");
            assert!(service["cap_add"].is_null(), "{name}");
            assert!(name == "postgres" || user == "65532:65532", "{name} runs as {user}");
        }
        let ends = ["certus-migrate", "s3-bucket", "volumes"].contains(&name.as_str());
        let check = &service["healthcheck"];
        assert_eq!(check["disable"] == true, ends, "{name}");
        assert_eq!(texts(&check["test"]).first(), (!ends).then_some(&"CMD"), "{name}: without a shell");
        for bind in service["volumes"].as_array().into_iter().flatten().filter(|volume| volume["type"] == "bind") {
            assert_eq!(bind["read_only"], true, "{name}: {bind}");
        }
        if let Some(drain) = environment(service).get("CERTUS_DRAIN_SECONDS") {
            drains += 1;
            let grace =
                service["stop_grace_period"].as_str().and_then(|grace| grace.strip_suffix('s')).expect("seconds");
            assert!(grace.parse::<u32>().unwrap() > drain.parse().unwrap(), "{name}");
        }
    }
    assert_eq!(drains, 5, "each that runs scans or serves ends them in time");
    let probe = |name: &str| texts(&project["services"][name]["healthcheck"]["test"]).join(" ");
    assert_eq!(probe("certus-assurance"), "CMD /usr/lib/certus/probe /readyz");
    assert_eq!(probe("certus-api"), "CMD /usr/lib/certus/probe /readyz");
    assert_eq!(probe("certus-trust"), "CMD /usr/lib/certus/probe /livez");
    assert_eq!(probe("certus-transform"), probe("certus-trust"));
    assert_eq!(probe("certus-worker"), "CMD certus queue show");
}

#[test]
fn workers_have_no_way_out_but_the_one_that_is_asked_for() {
    let Some(project) = project(&["docker-compose.yml"]) else { return };
    assert_eq!(project["networks"]["inside"]["internal"], true);
    for (name, service) in services(&project, "full") {
        let outside = names(&service["networks"]).contains(&"outside");
        assert_eq!(outside, ["certus-api", "certus-transform", "certus-trust"].contains(&name), "{name}");
    }
    assert_eq!(names(&project["services"]["certus-worker"]["networks"]), ["inside"]);
    let Some(open) = self::project(&["docker-compose.yml", "host/deploy/compose/egress.yml"]) else { return };
    assert_eq!(names(&open["services"]["certus-worker"]["networks"]), ["egress", "inside"]);
    assert_ne!(open["networks"]["egress"]["internal"], true);
}

pub(super) fn make_secrets(folder: &Path) -> String {
    let made = output(Command::new(deploy().join("compose/make-secrets")).arg(folder));
    assert!(made.status.success(), "{}", said(&made));
    said(&made)
}

#[test]
fn secrets_are_made_once_and_mounted_as_files() {
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = temporary.path().join("secrets");
    assert_eq!(make_secrets(&folder).matches("made ").count(), 9);
    let content = |name: &str| read(&folder.join(name));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700, "the folder keeps others out");
    let listing = || std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let before: BTreeMap<_, _> = listing().map(|path| (path.clone(), read(&path))).collect();
    for (path, text) in &before {
        assert_eq!(mode(path), 0o444, "{}", path.display());
        assert!(text.len() >= 43, "{}", path.display());
    }
    let distinct: BTreeSet<_> = before.values().collect();
    assert_eq!(distinct.len(), before.len(), "no secret is used twice");
    for (name, user, password) in
        [("database-url", "certus", "database-password"), ("database-owner-url", "certus_owner", "postgres-password")]
    {
        let url: DatabaseUrl = content(name).parse().expect("an address of a database");
        assert_eq!(url.role(), Some(user));
        assert!(content(name).contains(&content(password)), "{name}");
    }
    let s3: Value = serde_json::from_str(&content("s3.json")).expect("JSON");
    assert_eq!(s3["identities"][0]["credentials"][0]["secretKey"], content("s3-secret-key"));
    assert!(!texts(&s3["identities"][0]["actions"]).contains(&"Admin"), "{s3}");

    assert_eq!(make_secrets(&folder).matches("kept ").count(), 9);
    assert_eq!(listing().map(|path| (path.clone(), read(&path))).collect::<BTreeMap<_, _>>(), before);

    let Some(project) = project(&["docker-compose.yml"]) else { return };
    let made: BTreeSet<_> = before.keys().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    let declared: BTreeSet<_> = names(&project["secrets"]).into_iter().map(str::to_owned).collect();
    assert_eq!(declared, made, "what is mounted is what is made");
    let (mut used, mut named) = (BTreeSet::new(), 0);
    for (name, service) in project["services"].as_object().unwrap() {
        let mounted: BTreeSet<_> = service["secrets"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|secret| secret["source"].as_str())
            .collect();
        for (setting, value) in environment(service) {
            if let Some(file) = value.strip_prefix("/run/secrets/") {
                assert!(setting.ends_with("_FILE") && mounted.contains(file), "{name}: {setting}={value}");
                named += 1;
            }
        }
        used.extend(mounted);
    }
    assert_eq!(used.len(), declared.len(), "no secret is mounted nowhere");
    assert!(named > declared.len(), "{named} settings name a secret");
}

#[test]
fn the_database_of_the_stack_serves_a_role_that_owns_nothing() {
    let Some(server) = postgres::own() else { return };
    let home = Home::new();
    let password = home.write("password", "it's \\made \"up\"\n");
    let role = || {
        let mut script = Command::new(deploy().join("compose/postgres-role.sh"));
        script.env_clear().env("PATH", std::env::join_paths([binaries(), "/usr/bin".into(), "/bin".into()]).unwrap());
        script.env("PGHOST", "127.0.0.1").env("PGPORT", server.port().to_string());
        script.env("POSTGRES_USER", "owner").env("POSTGRES_DB", "postgres");
        script
    };
    let refused = output(role().env("ROLE_PASSWORD_FILE", home.path("nothing")));
    assert!(!refused.status.success(), "a role without a password is made");
    let made = output(role().env("ROLE_PASSWORD_FILE", &password));
    assert!(made.status.success(), "{}", said(&made));
    let flags = "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles";
    assert_eq!(server.sql("postgres", &format!("{flags} WHERE rolname = 'certus'")), "t|f|f|f|f");
    assert_eq!(
        server.sql("postgres", "SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'certus'"),
        "t"
    );

    // What the migration of the stack runs, and what tells whether a worker is well.
    let address = |role: &str| format!("postgres://{role}@127.0.0.1:{}/postgres", server.port());
    let (url, owner) = (home.write("url", address("certus")), home.write("owner-url", address("owner")));
    let files = [("DATABASE_URL_FILE", url.to_str().unwrap()), ("DATABASE_OWNER_URL_FILE", owner.to_str().unwrap())];
    let healthy = || output(home.service(&files[..1]).args(["queue", "show"]));
    assert!(!healthy().status.success(), "a worker without its tables is well");
    let migrated = output(home.service(&files).args(["db", "migrate"]));
    assert!(migrated.status.success(), "{}", said(&migrated));
    let checked = healthy();
    assert!(checked.status.success(), "{}", said(&checked));
    server.down();
    assert!(!healthy().status.success(), "a worker without its database is well");
}

fn binaries() -> std::path::PathBuf {
    postgres::binaries().expect("a server runs")
}
