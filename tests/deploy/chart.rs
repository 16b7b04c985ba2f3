//! The chart, rendered by helm itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::{deploy, documents, output, read, root, said, texts, tool, validator};

/// The value sets of `values/`.
const SETS: [&str; 4] = ["cluster", "single", "folder", "everything"];
/// The oldest Kubernetes that the chart names and schemas exist for, and the newest.
const VERSIONS: [&str; 2] = ["1.28", "1.37"];

fn chart() -> PathBuf {
    deploy().join("helm/certus")
}

fn values(set: &str) -> PathBuf {
    root().join("tests/deploy/values").join(set).with_extension("yaml")
}

fn helm(helm: &Path, action: &[&str], set: &str, more: &[&str]) -> Output {
    let mut command = Command::new(helm);
    // Nothing of this machine's user is read.
    command.env_clear().env("HOME", "/nonexistent").args(action).arg(chart()).arg("--values").arg(values(set));
    output(command.args(["--namespace", "scans", "--kube-version", "1.31"]).args(more))
}

/// The objects of a value set; none where a program is missing.
fn rendered(set: &str, more: &[&str]) -> Option<(TempDir, PathBuf, Vec<Value>)> {
    let (program, python) = (tool("helm", "the chart")?, validator("python", "the chart")?);
    let made = helm(&program, &["template", "release"], set, more);
    assert!(made.status.success(), "{set}: {}", said(&made));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(format!("{set}.yaml"));
    std::fs::write(&file, &made.stdout).expect("a file");
    let objects = documents(&python, &file);
    assert!(objects.len() > 4, "{set}: {} objects", objects.len());
    Some((folder, file, objects))
}

/// The specification of each pod, with the name and component of what makes it.
fn pods(objects: &[Value]) -> Vec<(String, &str, &Value)> {
    let makers = objects.iter().filter(|object| object["spec"]["template"]["spec"].is_object());
    let pods = makers.map(|object| {
        let template = &object["spec"]["template"];
        let component = template["metadata"]["labels"]["app.kubernetes.io/component"].as_str().expect("a component");
        (format!("{} {}", object["kind"], object["metadata"]["name"]), component, &template["spec"])
    });
    let pods: Vec<_> = pods.collect();
    assert!(!pods.is_empty(), "there are pods");
    pods
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"].into_iter().filter_map(|kind| pod[kind].as_array()).flatten()
}

#[test]
fn kubernetes_accepts_every_object_of_every_value_set() {
    let Some(validate) = validator("kubernetes-validate", "the chart") else { return };
    let mut sets = Vec::new();
    for set in SETS {
        let Some(rendered) = rendered(set, &[]) else { return };
        let linted = helm(&tool("helm", "the chart").expect("it rendered"), &["lint", "--strict"], set, &[]);
        assert!(linted.status.success(), "{set}: {}", said(&linted));
        sets.push(rendered);
    }
    let files: Vec<&Path> = sets.iter().map(|(_, file, _)| file.as_path()).collect();
    let checked = |version, files: &[&Path]| {
        output(Command::new(&validate).args(["--strict", "--quiet", "-k", version]).args(files))
    };
    for version in VERSIONS {
        let accepted = checked(version, &files);
        assert!(accepted.status.success(), "{version}: {}", said(&accepted));
    }
    // The check can fail.
    let wrong = files[0].with_extension("wrong.yaml");
    std::fs::write(&wrong, read(files[0]).replace("readOnlyRootFilesystem:", "readOnlyRootFileSystem:")).unwrap();
    assert!(!checked(VERSIONS[0], &[&wrong]).status.success(), "a field that does not exist is accepted");
}

#[test]
fn what_cannot_be_right_is_refused_by_name() {
    let Some(program) = tool("helm", "the chart") else { return };
    let no_schema = "--skip-schema-validation";
    let cases: &[(&str, &str, &[&str], &str)] = &[
        ("a tag without a digest", "cluster", &["--set", "image.digest=,image.tag=latest"], "/image/digest"),
        ("the same without the schema", "cluster", &["--set", "image.digest=", no_schema], "image.digest is ``; give"),
        ("a digest that is none", "cluster", &["--set", "image.digest=sha256:abc"], "/image/digest"),
        ("a tag within the repository", "cluster", &["--set", "image.repository=a/b:1"], "/image/repository"),
        ("two processes on SQLite", "single", &["--set", "api.replicas=2"], "/api/replicas"),
        ("the same without the schema", "single", &["--set", "api.replicas=2", no_schema], "set api.replicas to 1"),
        ("an unknown value", "cluster", &["--set", "replicaCount=2"], "'replicaCount' not allowed"),
        ("an unknown value within", "cluster", &["--set", "worker.replica=2"], "'replica' not allowed"),
        ("a secret as a value", "cluster", &["--set", "secrets.database.value=x"], "'value' not allowed"),
        ("everywhere", "cluster", &["--set", "networkPolicy.gitCidrs={0.0.0.0/0}"], "/networkPolicy/gitCidrs/0"),
        ("everywhere, of IPv6", "cluster", &["--set", "networkPolicy.gitCidrs={::/0}"], "/networkPolicy/gitCidrs/0"),
        ("everywhere, as a peer", "cluster", &["--set", "networkPolicy.s3.to[0].ipBlock.cidr=0.0.0.0/0"], "/cidr"),
        ("a peer that is nobody", "cluster", &["--set-json", "networkPolicy.s3.to=[{}]"], "/networkPolicy/s3/to/0"),
        ("no database", "cluster", &["--set", "secrets.database.name="], "secrets.database.name is empty"),
        ("no owner", "cluster", &["--set", "secrets.databaseOwner.name="], "secrets.databaseOwner.name is empty"),
        ("no signing key", "single", &["--set", "secrets.signingKey.name="], "secrets.signingKey.name is empty"),
        ("a log's key for each pod", "cluster", &["--set", "secrets.logKey.name="], "secrets.logKey.name is empty"),
        ("Trust without anchor", "everything", &["--set", "trust.anchor.configMap="], "trust.url is set without"),
        ("Trust without a key", "everything", &["--set", "secrets.trustApiKey.name="], "trust.url is set without"),
        ("Trust without TLS", "everything", &["--set", "trust.url=http://trust"], "/trust/url"),
        ("publication without a store", "folder", &["--set", "publish.s3=true"], "publish.s3 is set and blobs.kind"),
        ("no bucket", "cluster", &["--set", "blobs.bucket="], "blobs.bucket is empty"),
        ("a volume for one node", "folder", &["--set", "persistence.accessModes={ReadWriteOnce}"], "[ReadWriteMany]"),
        ("a token for any host", "everything", &["--set", "settings.gitTokenHost="], "settings.gitTokenHost is empty"),
        ("clients without TLS", "everything", &["--set", "tls.secretName="], "without tls.secretName"),
        ("no account", "folder", &["--set", "serviceAccount.name="], "name an account"),
    ];
    for (case, set, more, wanted) in cases {
        let refused = helm(&program, &["template", "release"], set, more);
        assert!(!refused.status.success(), "{case} is accepted");
        assert!(said(&refused).contains(wanted), "{case}: {}", said(&refused));
    }
    // Their twins.
    for set in SETS {
        let accepted = helm(&program, &["template", "release"], set, &[]);
        assert!(accepted.status.success(), "{set}: {}", said(&accepted));
    }
}

#[test]
fn the_values_of_the_docs_are_accepted() {
    let Some(program) = tool("helm", "the chart") else { return };
    let docs = read(&root().join("docs/operations/deploy.md"));
    let shown = docs.split("```yaml\n").skip(1).find(|block| block.starts_with("image:")).expect("an example");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("values.yaml");
    std::fs::write(&file, shown.split("```").next().expect("its end")).expect("a file");
    let mut command = Command::new(program);
    command.env_clear().env("HOME", "/nonexistent").args(["template", "certus", "--kube-version", "1.31"]);
    let accepted = output(command.arg(chart()).arg("--values").arg(file));
    assert!(accepted.status.success(), "{}", said(&accepted));
    assert!(said(&accepted).contains("cidr: \"10.4.0.0/16\""), "{}", said(&accepted));
}

#[test]
fn every_pod_is_confined() {
    for set in SETS {
        let Some((_folder, _, objects)) = rendered(set, &[]) else { return };
        for (name, component, pod) in pods(&objects) {
            let context = &pod["securityContext"];
            assert_eq!(context["runAsNonRoot"], true, "{set} {name}");
            assert_eq!((&context["runAsUser"], &context["runAsGroup"]), (&65532.into(), &65532.into()), "{set} {name}");
            assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault", "{set} {name}");
            assert_eq!(pod["automountServiceAccountToken"], false, "{set} {name}");
            for field in ["hostNetwork", "hostPID", "hostIPC"] {
                assert!(pod[field].is_null(), "{set} {name}: {field}");
            }
            for volume in pod["volumes"].as_array().expect("volumes") {
                assert!(volume["hostPath"].is_null(), "{set} {name}: {volume}");
            }
            for container in containers(pod) {
                let context = &container["securityContext"];
                assert_eq!(context["readOnlyRootFilesystem"], true, "{set} {name}");
                assert_eq!(context["allowPrivilegeEscalation"], false, "{set} {name}");
                assert_eq!(context["privileged"], false, "{set} {name}");
                assert_eq!(texts(&context["capabilities"]["drop"]), ["ALL"], "{set} {name}");
                assert!(context["capabilities"]["add"].is_null(), "{set} {name}");
                let image = container["image"].as_str().expect("an image");
                let digest = image.split_once("@sha256:").unwrap_or_else(|| panic!("{set} {name}: {image}")).1;
                assert_eq!(digest.len(), 64, "{set} {name}: {image}");
                let resources = &container["resources"];
                assert!(resources["limits"]["memory"].is_string(), "{set} {name}: {resources}");
                assert!(resources["requests"]["cpu"].is_string(), "{set} {name}: {resources}");
                for variable in container["env"].as_array().into_iter().flatten() {
                    assert!(variable["valueFrom"].is_null(), "{set} {name}: a secret is a file: {variable}");
                }
            }
            let probes = &pod["containers"][0];
            match component {
                "api" => {
                    let mtls = set == "everything";
                    let path = |probe: &str| probes[probe]["httpGet"]["path"].as_str();
                    let wanted = |path| (!mtls).then_some(path);
                    assert_eq!(path("livenessProbe"), wanted("/livez"), "{set} {name}");
                    assert_eq!(path("readinessProbe"), wanted("/readyz"), "{set} {name}");
                    assert_eq!(probes["livenessProbe"]["tcpSocket"].is_object(), mtls, "{set} {name}");
                }
                "worker" => {
                    for (probe, path) in [("livenessProbe", "/livez"), ("readinessProbe", "/readyz")] {
                        assert_eq!(probes[probe]["httpGet"]["path"], path, "{set} {name}");
                        assert_eq!(probes[probe]["httpGet"]["port"], "probes", "{set} {name}");
                    }
                }
                _ => assert_eq!(component, "migration"),
            }
            let account = pod["serviceAccountName"].as_str().expect("an account");
            assert_eq!(account == "default", component == "migration", "a hook runs before the account is there");
        }
        let accounts = objects.iter().filter(|object| object["kind"] == "ServiceAccount");
        for account in accounts {
            assert_eq!(account["automountServiceAccountToken"], false, "{set}");
        }
    }
}

#[test]
fn pods_have_longer_to_end_than_scans() {
    for (set, drain) in [("cluster", 30), ("everything", 120), ("single", 30)] {
        let Some((_folder, _, objects)) = rendered(set, &[]) else { return };
        for (name, component, pod) in pods(&objects) {
            if component != "migration" {
                assert!(pod["terminationGracePeriodSeconds"].as_i64().unwrap() > drain, "{set} {name}");
            }
        }
    }
}

/// The policies that choose pods of a component, by their labels.
fn policies<'o>(objects: &'o [Value], component: &str) -> Vec<&'o Value> {
    let policies = objects.iter().filter(|object| object["kind"] == "NetworkPolicy");
    let chosen = policies.filter(|policy| {
        let labels = &policy["spec"]["podSelector"]["matchLabels"];
        let of = &labels["app.kubernetes.io/component"];
        assert_eq!(labels["app.kubernetes.io/name"], "certus", "{policy}");
        assert_eq!(labels["app.kubernetes.io/instance"], "release", "{policy}");
        of.is_null() || of == component
    });
    chosen.collect()
}

/// Every rule for what may leave pods of a component.
fn ways_out<'o>(objects: &'o [Value], component: &str) -> Vec<&'o Value> {
    policies(objects, component)
        .iter()
        .flat_map(|policy| policy["spec"]["egress"].as_array().into_iter().flatten())
        .collect()
}

#[test]
fn nothing_goes_out_but_what_is_named() {
    for (set, components) in [
        ("cluster", &["api", "worker", "migration"][..]),
        ("single", &["api"]),
        ("everything", &["api", "worker", "migration"]),
    ] {
        let Some((_folder, _, objects)) = rendered(set, &[]) else { return };
        for component in components {
            let chosen = policies(&objects, component);
            let denied = chosen.iter().any(|policy| {
                let labels = policy["spec"]["podSelector"]["matchLabels"].as_object().expect("labels");
                let silent = policy["spec"]["egress"].is_null() && policy["spec"]["ingress"].is_null();
                labels.len() == 2 && silent && texts(&policy["spec"]["policyTypes"]) == ["Ingress", "Egress"]
            });
            assert!(denied, "{set} {component}: everything is denied first");
            for rule in ways_out(&objects, component) {
                let to = rule["to"].as_array().expect("a rule without peers would mean everywhere");
                assert!(
                    !to.is_empty() && !rule["ports"].as_array().expect("ports").is_empty(),
                    "{set} {component}: {rule}"
                );
                for peer in to {
                    let cidr = peer["ipBlock"]["cidr"].as_str().unwrap_or_default();
                    assert!(!cidr.ends_with("/0"), "{set} {component}: {rule}");
                    assert!(peer.as_object().is_some_and(|peer| !peer.is_empty()), "{set} {component}: {rule}");
                }
            }
        }
        let blocks = |component| {
            let rules = ways_out(&objects, component).into_iter();
            let peers = rules.flat_map(|rule| rule["to"].as_array().expect("peers"));
            let blocks: Vec<&str> = peers.filter_map(|peer| peer["ipBlock"]["cidr"].as_str()).collect();
            blocks
        };
        match set {
            "everything" => {
                let everywhere = ["10.2.0.0/16", "10.3.0.0/16", "10.5.0.1/32"];
                assert_eq!(blocks("api"), everywhere, "the API fetches nothing");
                assert_eq!(blocks("worker"), [&everywhere[..], &["10.4.0.0/16", "2001:db8::/32"]].concat());
                assert_eq!(blocks("migration"), ["10.2.0.0/16"], "the migration needs the database alone");
            }
            _ => {
                // Nothing is named, so names are looked up and that is all.
                for component in components {
                    let rules = ways_out(&objects, component);
                    assert_eq!(rules.len(), 1, "{set} {component}: {rules:?}");
                    assert_eq!(rules[0]["ports"][0]["port"], 53, "{set} {component}");
                }
            }
        }
        let heard = policies(&objects, "worker");
        let heard = heard
            .iter()
            .filter(|policy| policy["spec"]["podSelector"]["matchLabels"].as_object().is_some_and(|l| l.len() == 3));
        for policy in heard {
            let ways = policy["spec"]["ingress"].as_array().expect("ways in");
            assert_eq!(ways.len(), 1, "{set}");
            assert_eq!(
                ways[0]["ports"][0]["port"], 9100,
                "{set}: of a worker the counters can be reached, nothing else"
            );
        }
    }
}

#[test]
fn a_single_node_is_one_pod_with_its_volume() {
    let Some((_folder, _, objects)) = rendered("single", &[]) else { return };
    let kinds: Vec<&str> = objects.iter().filter_map(|object| object["kind"].as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "Deployment").count(), 1, "{kinds:?}");
    assert!(!kinds.contains(&"Job") && !kinds.contains(&"PodDisruptionBudget"), "{kinds:?}");
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").expect("it");
    assert_eq!(
        (&deployment["spec"]["replicas"], &deployment["spec"]["strategy"]["type"]),
        (&1.into(), &"Recreate".into())
    );
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(texts(&pod["containers"][0]["args"]), ["serve"]);
    let claim = objects.iter().find(|object| object["kind"] == "PersistentVolumeClaim").expect("a volume");
    assert_eq!(pod["volumes"][0]["persistentVolumeClaim"]["claimName"], claim["metadata"]["name"]);
    assert_eq!(texts(&claim["spec"]["accessModes"]), ["ReadWriteOnce"]);
}

#[test]
fn all_who_sign_have_the_log_s_key_and_what_trust_needs() {
    for (set, component) in [("cluster", "worker"), ("single", "api"), ("everything", "worker")] {
        let Some((_folder, _, objects)) = rendered(set, &[]) else { return };
        for (name, of, pod) in pods(&objects) {
            let copies: Vec<_> = pod["initContainers"].as_array().into_iter().flatten().collect();
            let copies: Vec<_> = copies.iter().filter_map(|copy| copy["name"].as_str()).collect();
            let wanted: &[&str] = match (of == component, set) {
                (false, _) => &[],
                (true, "everything") => &["signing-key", "log-key", "trust-key"],
                (true, _) => &["signing-key", "log-key"],
            };
            assert_eq!(copies, wanted, "{set} {name}");
            let environment = pod["containers"][0]["env"].as_array().expect("settings");
            let value = |name: &str| environment.iter().find(|v| v["name"] == name).and_then(|v| v["value"].as_str());
            let signs = of == component;
            let told = (signs && set == "everything").then_some("/trust/trust.toml");
            assert_eq!(value("CERTUS_TRUST_POLICY"), told, "{set} {name}");
            assert_eq!(value("CERTUS_TRUST_ANCHOR").is_some(), told.is_some(), "{set} {name}");
            assert_eq!(value("CERTUS_ASSURANCE_ENABLE_S3_UPLOAD").is_some(), told.is_some(), "{set} {name}");
            if signs {
                assert_eq!(value("CERTUS_KEY_DIR"), Some("/work/keys"), "{set}: where the log's key is copied to");
                let copy = &pod["initContainers"][1]["command"];
                let from = ["/work/keys", "/log-secret/transparency-log.pem", "/log-secret/transparency-log.vkey"];
                assert_eq!(texts(copy), [&["install", "-D", "-m", "0600", "-t"][..], &from].concat(), "{set}");
            }
        }
    }
}

#[test]
fn the_signing_key_becomes_a_file_that_certus_takes() {
    for (set, component) in [("cluster", "worker"), ("single", "api")] {
        let Some((_folder, _, objects)) = rendered(set, &[]) else { return };
        let pods = pods(&objects);
        let (_, _, pod) = pods.iter().find(|pod| pod.1 == component).expect("it signs");
        let copy = &pod["initContainers"][0];
        // By a mode that no group can read, as the signing crate's own tests want it.
        assert_eq!(
            texts(&copy["command"]),
            ["install", "-m", "0400", "/signing-secret/cosign.key", "/signing/cosign.key"]
        );
        let memory = pod["volumes"].as_array().unwrap().iter().find(|volume| volume["name"] == "signing").unwrap();
        assert_eq!(memory["emptyDir"]["medium"], "Memory", "{set}");
        let environment = pod["containers"][0]["env"].as_array().unwrap();
        assert!(environment.iter().any(|v| v["name"] == "CERTUS_KEY" && v["value"] == "/signing/cosign.key"), "{set}");
        let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
        assert!(!mounts.iter().any(|mount| mount["name"] == "signing-secret"), "{set}");
        for (name, other, pod) in &pods {
            if *other != component {
                let volumes = pod["volumes"].as_array().unwrap();
                assert!(!volumes.iter().any(|v| v["name"] == "signing-secret"), "{set}: {name} signs nothing");
            }
        }
    }
}
